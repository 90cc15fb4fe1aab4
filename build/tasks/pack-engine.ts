/** `npm run pack-engine [-- x64 arm64]`: the engine for Linux hosts without Node, as a folder and a file each. */
import { bundle } from '../lib/bundle.ts';
import type { PackArch } from '../lib/pack/node-binary.ts';
import { packEngine } from '../lib/pack/pack.ts';

const all: readonly PackArch[] = ['x64', 'arm64'];
const asked = process.argv.slice(2);
const unknown = asked.find((word) => !all.some((arch) => arch === word));
if (unknown !== undefined) {
  console.error(`The engine cannot be packed for "${unknown}": choose ${all.join(' or ')}.`);
  process.exit(1);
}
if (process.platform !== 'linux') {
  console.error('The engine is packed on Linux, where the tools are that pack it (GNU tar).');
  process.exit(1);
}
const inMiB = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
await bundle();
for (const arch of all.filter((candidate) => asked.length === 0 || asked.includes(candidate))) {
  try {
    const { archive, folderBytes, archiveBytes } = packEngine(arch);
    console.log(`Packed ${archive}: ${inMiB(archiveBytes)}, unpacked ${inMiB(folderBytes)}.`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exit(1);
  }
}

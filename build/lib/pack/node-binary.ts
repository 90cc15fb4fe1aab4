/** The Node that a packed engine runs on, from the registry, for another computer than this one. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { dist, root } from '../root.ts';

export type PackArch = 'x64' | 'arm64';

/** Raised together with the dependency `node`; the integrity is the registry's `dist.integrity`. */
const version = '24.21.0';
const integrity: Readonly<Record<PackArch, string>> = {
  x64: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  arm64: 'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
};

/**
 * Puts `bin/node` and Node's licence into a folder, nothing else of the package.
 * @returns Node's version
 * @throws when it cannot be had, or is not what it was when this was written
 */
export function placeNode(arch: PackArch, folder: string): string {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { dependencies: Record<string, string> };
  if (dependencies['node'] !== version) {
    throw new Error(`The engine is made for Node ${dependencies['node'] ?? ''}, and build/lib/pack/node-binary.ts knows Node ${version}: bring it up to date.`);
  }
  const archive = fetchPackage(`node-linux-${arch}`, integrity[arch]);
  unpack(archive, folder, ['package/bin/node']);
  mkdirSync(join(folder, 'licences', 'node'), { recursive: true });
  unpack(archive, join(folder, 'licences', 'node'), ['package/LICENSE']);
  return version;
}

/** Kept between runs; looked at each time. */
function fetchPackage(name: string, expected: string): string {
  const cache = join(dist, 'pack-cache');
  const archive = join(cache, `${name}-${version}.tgz`);
  if (existsSync(archive) && integrityOf(archive) === expected) return archive;
  mkdirSync(cache, { recursive: true });
  console.log(`Fetching ${name} ${version}…`);
  const result = spawnSync('npm', ['pack', `${name}@${version}`, '--pack-destination', cache, '--loglevel=error'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (result.status !== 0) throw new Error(`${name} ${version} could not be fetched from the package registry. Check the network connection and try again.`);
  if (integrityOf(archive) === expected) return archive;
  rmSync(archive, { force: true });
  throw new Error(`${name} ${version} is not what it was: its checksum differs from the one written down here. It was thrown away.`);
}

const integrityOf = (path: string): string => `sha512-${createHash('sha512').update(readFileSync(path)).digest('base64')}`;

function unpack(archive: string, folder: string, names: readonly string[]): void {
  const result = spawnSync('tar', ['-xzf', archive, '-C', folder, '--strip-components=1', ...names], { stdio: ['ignore', 'inherit', 'inherit'] });
  if (result.status !== 0) throw new Error(`${archive} could not be unpacked.`);
}

/** Puts the engine and all that it needs into one folder, and that into one file, for a Linux host without Node. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { engineUnit, ENGINE_UNIT, guestsUnit, GUESTS_UNIT, type UnitOptions } from '../../../electron/engine/service/units.ts';
import { bundledPackages } from '../bundle.ts';
import { dist, root } from '../root.ts';
import { placeLicences } from './licences.ts';
import { placeNode, type PackArch } from './node-binary.ts';

/** Where the unit files expect things; `service install` writes others for wherever the folder is. */
const home = '/opt/hayloft-engine';
const dataDir = '/var/lib/hayloft-engine';

export interface Packed {
  folder: string;
  archive: string;
  folderBytes: number;
  archiveBytes: number;
}

/** dist/engine must be up to date. */
export function packEngine(arch: PackArch): Packed {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const name = `hayloft-engine-${version}-linux-${arch}`;
  const folder = join(dist, 'pack', name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'units'), { recursive: true });
  const nodeVersion = placeNode(arch, folder);
  cpSync(join(dist, 'engine'), join(folder, 'engine'), { recursive: true });
  writeFileSync(join(folder, 'engine', 'package.json'), '{ "type": "module" }\n');
  writeFileSync(join(folder, 'hayloft-engine'), launcher);
  chmodSync(join(folder, 'hayloft-engine'), 0o755);
  const options: UnitOptions = { node: `${home}/bin/node`, script: `${home}/engine/main.js`, dataDir, scope: 'system', restSeconds: 90 };
  writeFileSync(join(folder, 'units', ENGINE_UNIT), engineUnit(options));
  writeFileSync(join(folder, 'units', GUESTS_UNIT), guestsUnit(options));
  placeLicences(bundledPackages('engine'), folder);
  writeFileSync(join(folder, 'README.txt'), readme(version, arch, nodeVersion));
  writeFileSync(join(folder, 'SHA256SUMS'), checksums(folder));

  const archive = `${folder}.tar.gz`;
  // The same contents give the same bytes.
  const tar = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '-C', join(dist, 'pack'), '-cf', '-', name];
  const { status } = spawnSync('sh', ['-c', 'tar "$@" | gzip -6n > "$0"', archive, ...tar], { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) throw new Error(`${archive} could not be written.`);
  return { folder, archive, folderBytes: sizeOf(folder), archiveBytes: statSync(archive).size };
}

/** Finds its folder through links, and needs nothing but a shell. */
const launcher = `#!/bin/sh
self=$(readlink -f "$0")
here=\${self%/*}
exec "$here/bin/node" "$here/engine/main.js" "$@"
`;

const readme = (version: string, arch: PackArch, nodeVersion: string): string => `Hayloft engine ${version} for Linux on ${arch}, with Node ${nodeVersion}.

Needs QEMU: qemu-system-x86_64 and qemu-img. Node is in this folder.
${arch === 'x64' ? '' : 'Guests are x86-64. Here they are emulated, which is slow; guests for arm64 are refused.\n'}
  ./hayloft-engine --data-dir DIR                 start it here and now
  ./hayloft-engine service install --system       have the computer start it
  ./hayloft-engine token create NAME --role admin --data-dir DIR

units/ holds the services for a folder at ${home} and data in ${dataDir}.
sha256sum -c SHA256SUMS tells whether all of it arrived.
`;

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

const checksums = (folder: string): string =>
  filesIn(folder)
    .map((path) => `${createHash('sha256').update(readFileSync(path)).digest('hex')}  ${relative(folder, path)}\n`)
    .join('');

const sizeOf = (folder: string): number => filesIn(folder).reduce((sum, path) => sum + statSync(path).size, 0);

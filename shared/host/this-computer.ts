/** What this computer is and has, read from the file system. For Node only; the rest of this folder is pure. */
import { accessSync, constants, globSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import type { HostProbe } from './packages.ts';

const suffixes = process.platform === 'win32' ? ['.exe', '.cmd'] : [''];

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function hasCommand(name: string): boolean {
  if (isAbsolute(name)) return isExecutable(name);
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.some((folder) => suffixes.some((suffix) => isExecutable(join(folder, name + suffix))));
}

export const thisComputer: HostProbe = {
  platform: process.platform,
  arch: process.arch,
  hasCommand,
  hasFile: (pattern) => globSync(pattern).length > 0,
};

/** Where QEMU is, and which one. */
import { execFile } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

export interface QemuBinary {
  path: string;
  /** As QEMU tells it: `7.2.22`. */
  version: string;
  /** When the file was last changed: an upgraded QEMU is to be tried anew. */
  changedMs: number;
}

/** Desktop apps are started with a short PATH; these are where package managers put programs. */
const usualFolders = ['/usr/bin', '/usr/local/bin', '/opt/homebrew/bin', '/usr/libexec', 'C:\\Program Files\\qemu'];
const suffix = process.platform === 'win32' ? '.exe' : '';

/** @returns the path of an executable on the PATH or in the usual folders, or undefined */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...usualFolders].filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, name + suffix)).find(isExecutable);
}

/** @returns the QEMU that runs guests here, or undefined where none is installed */
export async function findQemu(): Promise<QemuBinary | undefined> {
  const path = findProgram('qemu-system-x86_64');
  if (path === undefined) return undefined;
  const { stdout } = await promisify(execFile)(path, ['--version']);
  return { path, version: /version (\S+)/.exec(stdout)?.[1] ?? 'unknown', changedMs: statSync(path).mtimeMs };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

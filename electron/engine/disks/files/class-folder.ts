/**
 * Folders of storage classes, which may lie on disks of their own. A file marks each: when the disk is not mounted, the
 * empty folder in its place has no mark, and nothing may be written into it.
 */
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const marker = '.hayloft-disks';
const words = 'The disks of virtual machines lie here. Without this file Hayloft takes the folder for an empty mount point.\n';

/** Whether the folder is there, and is the one that was marked. */
export const isFolderThere = (path: string): boolean => statSync(join(path, marker), { throwIfNoEntry: false }) !== undefined;

/** @returns false where there is no such folder; throws the system's error where it cannot be written to */
export function markFolder(path: string): boolean {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return false;
  writeFileSync(join(path, marker), words, { mode: 0o600 });
  return true;
}

/** What to say of one that is not there. */
export const folderMissing = (path: string): string =>
  `The folder ${path} is not there, or not the one that was used before: is its disk mounted? Nothing is written until it is back.`;

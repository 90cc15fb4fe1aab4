/** Where backups are kept: what is offered, what a person names, and whether there is room. */
import { readdir, stat, statfs } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { HayloftError } from '#shared/contract/errors.ts';
import { formatBytes } from '#shared/format/units.ts';

/** Where backups go unless somebody says otherwise. */
export const usualFolder = (): string => join(homedir(), 'Hayloft backups');

/** A folder of this name that is not there yet: `~/Hayloft backups/web-2026-11-25`. */
export async function offeredFolder(machine: string, now: Date): Promise<string> {
  const two = (number: number): string => String(number).padStart(2, '0');
  const base = join(usualFolder(), `${machine}-${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`);
  for (let number = 1; ; number++) {
    const folder = number === 1 ? base : `${base}-${number}`;
    if (!(await exists(folder))) return folder;
  }
}

/** The folder that a person means. @throws HayloftError `bad-input` */
export function namedFolder(text: string): string {
  const trimmed = text.trim();
  const whole = trimmed === '~' || /^~[/\\]/.test(trimmed) ? join(homedir(), trimmed.slice(1)) : trimmed;
  if (whole === '' || !isAbsolute(whole) || whole.includes('\0')) {
    throw new HayloftError('bad-input', 'Name a folder by its whole path, like /home/me/backups or ~/backups.', { field: 'folder' });
  }
  return resolve(whole);
}

/** @throws HayloftError `already-exists` unless there is nothing of this name, or an empty folder */
export async function refuseTaken(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (!found) return;
  if (found.isDirectory() && (await readdir(folder)).length === 0) return;
  throw new HayloftError('already-exists', `There is something in ${folder} already.`, { hint: 'Name a folder that is not there yet.', field: 'folder' });
}

/** Bytes that may be written there; the folder itself need not be there yet. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(await nearestFolder(folder));
  return bavail * bsize;
}

/** @throws HayloftError `no-space` */
export async function needRoom(folder: string, bytes: number): Promise<void> {
  const free = await freeBytes(folder);
  if (bytes > free) throw noRoom(folder, free, bytes);
}

/** What a failure to write there comes from, in words. */
export async function asFolderError(error: unknown, folder: string): Promise<unknown> {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT') return noRoom(folder, await freeBytes(folder).catch(() => 0), undefined);
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOTDIR') {
    return new HayloftError('forbidden', `Nothing can be written to ${folder}.`, { hint: 'Choose a folder that you may write to.', field: 'folder', cause: error });
  }
  return error;
}

function noRoom(folder: string, free: number, needed: number | undefined): HayloftError {
  const message = needed === undefined ? `The disk of ${folder} is full.` : `${formatBytes(needed)} are needed in ${folder}, and ${formatBytes(free)} are free.`;
  return new HayloftError('no-space', message, { hint: 'Make room there, or choose a folder on another disk.', field: 'folder' });
}

async function nearestFolder(folder: string): Promise<string> {
  for (let at = folder; ; at = dirname(at)) {
    if ((await exists(at)) || dirname(at) === at) return at;
  }
}

const exists = (path: string): Promise<boolean> => stat(path).then(() => true, () => false);

/** Free space on the disk, and words about it. */
import { statfs } from 'node:fs/promises';
import { statfsSync } from 'node:fs';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import { sizeInWords } from '#shared/images/bytes.ts';

/** Less than this is as good as none: whatever else writes there needs it. */
const nearlyNothing = 16 * 1024 * 1024;

/** Bytes that may still be written into a folder. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** The same for callers that cannot wait (admission). */
export function freeBytesNow(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** What is to be written does not fit on the disk. */
export class NoSpaceError extends HayloftError {
  /** Bytes that must be free; undefined when the disk filled up on the way. */
  readonly neededBytes: number | undefined;

  constructor(message: string, neededBytes: number | undefined) {
    super('no-space', message, {
      hint: 'Delete images or machines that you no longer need, or make room on the disk, and try again.',
      retryable: true,
    });
    this.neededBytes = neededBytes;
  }
}

/** `needed`: bytes that do not fit; undefined when the disk filled up on the way. */
export function noSpace(free: number, needed?: number): NoSpaceError {
  const message =
    needed === undefined
      ? `The disk is full: ${sizeInWords(free)} are free.`
      : `There is not enough space: ${sizeInWords(needed)} are needed and ${sizeInWords(free)} are free.`;
  return new NoSpaceError(message, needed);
}

/** Throws `no-space` when so many bytes do not fit into the folder. */
export async function needSpace(folder: string, bytes: number): Promise<void> {
  const free = await freeBytes(folder);
  if (bytes > free) throw noSpace(free, bytes);
}

/** An error met while writing into `folder`, told as `no-space` when that is what it comes from. */
export async function asSpaceError(error: unknown, folder: string): Promise<unknown> {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT') return noSpace(await freeBytes(folder).catch(() => 0));
  return error;
}

/** Whether a tool that does not tell why it failed probably ran out of space. */
export const isNearlyFull = async (folder: string): Promise<boolean> => (await freeBytes(folder)) < nearlyNothing;

/** Free space on the disk, and words about it. */
import { statfsSync } from 'node:fs';
import { stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
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
  /** So many bytes must be free before another try is worth it. */
  readonly enoughBytes: number;

  constructor(message: string, enoughBytes: number) {
    super('no-space', message, {
      hint: 'Delete images or machines that you no longer need, or make room on the disk, and try again.',
      retryable: true,
    });
    this.enoughBytes = enoughBytes;
  }
}

const didNotFit = (free: number, needed: number): NoSpaceError =>
  new NoSpaceError(`There is not enough space: ${sizeInWords(needed)} are needed and ${sizeInWords(free)} are free.`, needed);

/** A try that wrote no more than this costs little: it is made again whatever is free. */
const cheapBytes = 16 * 2 ** 20;
const someMoreBytes = 64 * 2 ** 20;

/** The disk filled up on the way, and nobody knows how much was still to come. */
export class DiskFullError extends NoSpaceError {
  /**
   * @param free bytes that were left
   * @param written bytes that the failed try had taken, and gives back
   */
  constructor(free: number, written = 0) {
    super(`The disk is full: ${sizeInWords(free)} are free.`, written <= cheapBytes ? 0 : free + written + someMoreBytes);
  }
}

/** Throws `no-space` when so many bytes do not fit into the folder. */
export async function needSpace(folder: string, bytes: number): Promise<void> {
  const free = await freeBytes(folder);
  if (bytes > free) throw didNotFit(free, bytes);
}

/**
 * An error met while writing, told as `no-space` when that is what it comes from. Call it before the files are removed.
 * @param paths what is written; the first one's folder is the one that is full
 */
export async function asSpaceError(error: unknown, ...paths: [string, ...string[]]): Promise<unknown> {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (!(error instanceof DiskFullError) && code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  const free = await freeBytes(dirname(paths[0])).catch(() => 0);
  const taken = await Promise.all(paths.map((path) => stat(path).then(({ blocks }) => blocks * 512, () => 0)));
  return new DiskFullError(free, taken.reduce((sum, bytes) => sum + bytes, 0));
}

/** Whether a tool that does not tell why it failed probably ran out of space. */
export const isNearlyFull = async (folder: string): Promise<boolean> => (await freeBytes(folder)) < nearlyNothing;

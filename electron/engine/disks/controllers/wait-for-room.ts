/** Disks whose content did not fit: tried again by themselves once there is more room than there was. */
import { freeBytesNow, NoSpaceError } from '../files/space.ts';
import type { JobFailure } from '../jobs.ts';

/** How often room is looked for; a system call that costs nothing. */
export const ROOM_EVERY_MS = 5000;
/** Where nobody knows how much is needed: so much more than was free after the failure is worth another try. */
const worthAnotherTryBytes = 64 * 2 ** 20;

/** What was free once the failed attempt had cleared up behind itself. */
const freeThen = new WeakMap<JobFailure, number>();

/** @param folder where the file is to be */
export function waitsForRoom(failure: JobFailure, folder: string): boolean {
  if (!(failure.error instanceof NoSpaceError)) return false;
  const free = freeBytesNow(folder);
  const then = freeThen.get(failure);
  if (then === undefined) freeThen.set(failure, free);
  const { neededBytes } = failure.error;
  if (neededBytes !== undefined && free >= neededBytes) return false;
  return free < (then ?? free) + worthAnotherTryBytes;
}

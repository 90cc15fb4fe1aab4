/** Disks whose content did not fit: tried again by themselves once there is enough room. */
import { freeBytesNow, NoSpaceError } from '../files/space.ts';
import type { JobFailure } from '../jobs.ts';

/** How often room is looked for; a system call that costs nothing. */
export const ROOM_EVERY_MS = 5000;

/** @param folder where the file is to be */
export const waitsForRoom = ({ error }: JobFailure, folder: string): boolean =>
  error instanceof NoSpaceError && freeBytesNow(folder) < error.enoughBytes;

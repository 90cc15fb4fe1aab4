/** Copies of disks: shared blocks where the file system can, whole copies else. */
import { constants } from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { renameDurably, sync } from '../files/durable.ts';
import { baseOf } from '../files/layers.ts';
import { convert, grow } from '../files/qemu-img.ts';
import { asSpaceError, needSpace } from '../files/space.ts';
import type { DiskFile } from '../types.ts';
import type { Placement } from './place.ts';
import { refuseLargerThan } from './receive.ts';

/** @param onProgress a share between 0 and 1 */
export async function cloneDisk(source: DiskFile, to: Placement, onProgress: (share: number) => void): Promise<void> {
  const { files, claim, capacityBytes, signal } = to;
  refuseLargerThan(source.virtualSizeBytes, capacityBytes);
  const partial = files.partialFor(claim);
  const { format } = source;
  try {
    await rm(partial, { force: true });
    // A file over another one does not go along with its base: it becomes a whole one.
    if (baseOf(source.path) !== undefined || !(await reflink(source.path, partial))) {
      await needSpace(dirname(partial), source.allocatedBytes);
      // Unlike a plain copy it keeps holes, tells how far it is, and stops when asked to.
      await convert({ path: source.path, format }, { path: partial, format }, { signal, onProgress });
    }
    if (source.virtualSizeBytes < capacityBytes) await grow(partial, format, capacityBytes, { signal });
    await sync(partial);
    signal.throwIfAborted();
    await renameDurably(partial, files.pathFor(claim, format));
  } catch (error) {
    throw await asSpaceError(error, partial);
  } finally {
    await rm(partial, { force: true });
  }
}

/** A copy that shares its blocks with the original until one of them is written. False where that cannot be had. */
async function reflink(from: string, to: string): Promise<boolean> {
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE_FORCE);
    return true;
  } catch {
    await rm(to, { force: true });
    return false;
  }
}

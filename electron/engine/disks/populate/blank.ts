/** Empty disks. */
import { rm, writeFile, truncate } from 'node:fs/promises';
import { renameDurably, sync } from '../files/durable.ts';
import { createQcow2, isQemuImgHere } from '../files/qemu-img.ts';
import { asSpaceError } from '../files/space.ts';
import type { Placement } from './place.ts';

/** A qcow2 file that takes nearly no space; without qemu-img a sparse raw file, which does the same on most disks. */
export async function makeBlank({ files, claim, capacityBytes, signal }: Placement): Promise<void> {
  const partial = files.partialFor(claim);
  const format = isQemuImgHere() ? 'qcow2' : 'raw';
  try {
    await rm(partial, { force: true });
    if (format === 'qcow2') {
      await createQcow2(partial, capacityBytes, { signal });
    } else {
      await writeFile(partial, '', { mode: 0o600 });
      await truncate(partial, capacityBytes);
    }
    await sync(partial);
    signal.throwIfAborted();
    await renameDurably(partial, files.pathFor(claim, format));
  } catch (error) {
    throw await asSpaceError(error, partial);
  } finally {
    await rm(partial, { force: true });
  }
}

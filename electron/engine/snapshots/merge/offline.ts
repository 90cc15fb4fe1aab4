/** Merging two files that no guest has open, by qemu-img, which can be killed at any moment. */
import { rmSync } from 'node:fs';
import { basename } from 'node:path';
import { baseOf, parseLayerName } from '../../disks/files/layers.ts';
import { renameDurably, sync } from '../../disks/files/durable.ts';
import { absorbBase, commit, type QemuImgOptions } from '../../disks/files/qemu-img.ts';
import { forgetAbsorbed, noteAbsorbed } from './absorbed.ts';
import type { Merge } from './plan.ts';

export async function mergeOffline({ lower, upper, how }: Merge, options: QemuImgOptions): Promise<void> {
  if (how === 'commit') {
    await commit(upper, options);
    await sync(lower);
    options.signal?.throwIfAborted();
    await takeName(lower, upper);
    return;
  }
  noteAbsorbed(lower);
  const base = baseOf(lower);
  const format = base === undefined ? undefined : parseLayerName(base)?.format;
  await absorbBase(upper, base === undefined || format === undefined ? undefined : { name: basename(base), format }, options);
  await sync(upper);
  rmSync(lower, { force: true });
  forgetAbsorbed(lower);
}

/** Both read the same: whoever is based on the upper one, or holds it, finds the lower one in its place. */
export const takeName = (lower: string, upper: string): Promise<void> => renameDurably(lower, upper);

/** Disks that begin as a copy of a snapshot: a new file over the snapshot's, made in a moment whatever its size. */
import { rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import type { VolumeSnapshot } from '#shared/kube/snapshot.ts';
import { renameDurably, sync } from '../disks/files/durable.ts';
import { allocatedIn, chainOf, parseLayerName } from '../disks/files/layers.ts';
import { convert, createOverlay, grow, info } from '../disks/files/qemu-img.ts';
import { asSpaceError, needSpace } from '../disks/files/space.ts';
import type { Placement } from '../disks/populate/place.ts';
import type { Resources } from '../store/resources.ts';
import { volumeSnapshots } from './definitions/volume-snapshot.ts';
import { layerPathOf } from './held.ts';

/** The snapshot that the claim begins from, once it holds something. */
export function snapshotOf(resources: Resources, claim: PersistentVolumeClaim): VolumeSnapshot | undefined {
  const found = resources.get(volumeSnapshots, claim.metadata.namespace, claim.spec.dataSource?.name ?? '');
  return found?.status?.readyToUse === true && found.metadata.deletionTimestamp === undefined ? found : undefined;
}

/** @param onProgress a share between 0 and 1; only called when everything has to be copied */
export async function beginFromSnapshot(snapshot: VolumeSnapshot, to: Placement, onProgress: (share: number) => void): Promise<void> {
  const { files, claim, capacityBytes, signal } = to;
  const layer = layerPathOf(files, snapshot);
  const parsed = layer === undefined ? undefined : parseLayerName(layer);
  if (layer === undefined || !parsed) throw new HayloftError('not-found', `The snapshot "${snapshot.metadata.name ?? ''}" holds no file.`);
  const partial = files.partialFor(claim);
  try {
    await rm(partial, { force: true });
    const { virtualSizeBytes } = await info(layer, parsed.format, { signal });
    if (dirname(layer) === dirname(partial)) {
      await createOverlay(partial, { name: basename(layer), format: parsed.format }, Math.max(virtualSizeBytes, capacityBytes));
    } else {
      // The folder of another storage class may be on another disk, and is to be whole by itself.
      await needSpace(dirname(partial), allocatedIn(chainOf(layer)));
      await convert({ path: layer, format: parsed.format }, { path: partial, format: 'qcow2' }, { signal, onProgress });
      if (virtualSizeBytes < capacityBytes) await grow(partial, 'qcow2', capacityBytes, { signal });
    }
    await sync(partial);
    signal.throwIfAborted();
    await renameDurably(partial, files.pathFor(claim, 'qcow2'));
  } catch (error) {
    throw await asSpaceError(error, partial);
  } finally {
    await rm(partial, { force: true });
  }
}

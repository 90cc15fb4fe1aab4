/** Volume snapshots as objects: what is noted on them of the file that they hold. */
import { basename } from 'node:path';
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import type { OwnerReference } from '#shared/kube/object.ts';
import { formatBytesQuantity } from '#shared/kube/quantities.ts';
import type { VolumeSnapshot } from '#shared/kube/snapshot.ts';
import { FOLDER_ANNOTATION } from '../disks/definitions/persistent-volume-claim.ts';
import { timestamp } from '../store/keys.ts';
import { LAYER_ANNOTATION, SNAPSHOT_CLASS } from './definitions/volume-snapshot.ts';
import type { Taken } from './take.ts';

/** The snapshot with its file noted on it, and the folder that the file is in. */
export function withLayer(snapshot: VolumeSnapshot, claim: PersistentVolumeClaim, path: string): VolumeSnapshot {
  const folder = claim.metadata.annotations?.[FOLDER_ANNOTATION];
  const annotations = {
    ...snapshot.metadata.annotations,
    [LAYER_ANNOTATION]: basename(path),
    ...(folder === undefined ? {} : { [FOLDER_ANNOTATION]: folder }),
  };
  return { ...snapshot, metadata: { ...snapshot.metadata, annotations } };
}

export function newVolumeSnapshot(name: string, { claim, path }: Taken, owner: OwnerReference, labels: Record<string, string>): VolumeSnapshot {
  const { namespace, name: claimName = '' } = claim.metadata;
  return withLayer(
    {
      apiVersion: 'snapshot.storage.k8s.io/v1',
      kind: 'VolumeSnapshot',
      metadata: { name, ...(namespace === undefined ? {} : { namespace }), labels, ownerReferences: [owner] },
      spec: { source: { persistentVolumeClaimName: claimName }, volumeSnapshotClassName: SNAPSHOT_CLASS },
    },
    claim,
    path,
  );
}

export const readyStatus = ({ metadata }: VolumeSnapshot, { virtualSizeBytes }: Taken, at = timestamp()): NonNullable<VolumeSnapshot['status']> => ({
  boundVolumeSnapshotContentName: `snapcontent-${metadata.uid ?? ''}`,
  creationTime: at,
  readyToUse: true,
  restoreSize: formatBytesQuantity(virtualSizeBytes),
});

import { isDeepStrictEqual } from 'node:util';
import type { StatusCause } from '#shared/kube/object.ts';
import type { VolumeSnapshot } from '#shared/kube/snapshot.ts';
import type { ResourceDefinition } from '../../api/definition.ts';
import { invalid } from '../../api/errors.ts';
import { boolean, object, quantity, string, time, unsupported } from '../../api/schema.ts';
import { errorSchema, immutableSpec } from './parts.ts';

/** The one class of snapshots, called like the storage class. */
export const SNAPSHOT_CLASS = 'hayloft-local';
/** Name of the file that holds the snapshot; set once, by the engine. */
export const LAYER_ANNOTATION = 'hayloft.io/disk-layer';
/** Holds the snapshot until its file is gone. The name is the one of the CSI snapshot controller. */
export const BOUND_FINALIZER = 'snapshot.storage.kubernetes.io/volumesnapshot-bound-protection';

/** The state of one disk at one moment. */
export const volumeSnapshots: ResourceDefinition<VolumeSnapshot> = {
  group: 'snapshot.storage.k8s.io',
  version: 'v1',
  kind: 'VolumeSnapshot',
  plural: 'volumesnapshots',
  singular: 'volumesnapshot',
  shortNames: ['vs'],
  namespaced: true,
  statusSubresource: true,
  schema: object(
    {
      spec: object(
        {
          source: object({
            persistentVolumeClaimName: string(),
            volumeSnapshotContentName: unsupported('snapshots of other systems cannot be taken over'),
          }),
          volumeSnapshotClassName: string({ enum: [SNAPSHOT_CLASS] }),
        },
        { required: ['source'] },
      ),
      status: object({
        boundVolumeSnapshotContentName: string(),
        creationTime: time(),
        readyToUse: boolean(),
        restoreSize: quantity(),
        error: errorSchema,
        volumeGroupSnapshotName: string(),
      }),
    },
    { required: ['spec'] },
  ),
  columns: [
    { name: 'Name', type: 'string', format: 'name', value: ({ metadata }) => metadata.name },
    { name: 'ReadyToUse', type: 'boolean', value: ({ status }) => status?.readyToUse },
    { name: 'SourcePVC', type: 'string', value: ({ spec }) => spec.source.persistentVolumeClaimName },
    { name: 'RestoreSize', type: 'string', value: ({ status }) => status?.restoreSize },
    { name: 'SnapshotClass', type: 'string', value: ({ spec }) => spec.volumeSnapshotClassName },
    { name: 'CreationTime', type: 'date', value: ({ status }) => status?.creationTime },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
  ],
  admit: ({ object: next, old }) => {
    next.spec.volumeSnapshotClassName ??= SNAPSHOT_CLASS;
    const causes: StatusCause[] = [];
    if (!next.spec.source.persistentVolumeClaimName) {
      causes.push({ reason: 'FieldValueRequired', field: 'spec.source.persistentVolumeClaimName', message: 'Required value: the claim' });
    }
    if (old && !isDeepStrictEqual(old.spec, next.spec)) causes.push(immutableSpec);
    if (causes.length > 0) throw invalid(volumeSnapshots, next.metadata.name ?? '', causes);
    if (!old) next.metadata.finalizers = [...new Set([...(next.metadata.finalizers ?? []), BOUND_FINALIZER])];
  },
};

/** As clients see it: which file holds a snapshot is not theirs to say. */
export const servedVolumeSnapshots: ResourceDefinition<VolumeSnapshot> = {
  ...volumeSnapshots,
  admit: (admission) => {
    const { object: next, old } = admission;
    const layer = old?.metadata.annotations?.[LAYER_ANNOTATION];
    const annotations = Object.fromEntries(Object.entries(next.metadata.annotations ?? {}).filter(([key]) => key !== LAYER_ANNOTATION));
    next.metadata.annotations = layer === undefined ? annotations : { ...annotations, [LAYER_ANNOTATION]: layer };
    volumeSnapshots.admit?.(admission);
  },
};

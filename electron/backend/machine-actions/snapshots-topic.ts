/** One machine's snapshots, as they change. */
import type { TopicSource } from '#shared/channel/types.ts';
import type { Snapshot } from '#shared/contract/machine-actions.ts';
import { refKey, type ObjectRef } from '#shared/contract/machines.ts';
import { DESCRIPTION_ANNOTATION } from '#shared/kube/labels.ts';
import { findCondition } from '#shared/kube/machine-status.ts';
import { parseQuantity } from '#shared/kube/quantities.ts';
import type { VirtualMachineSnapshot, VirtualMachineSnapshotContent } from '#shared/kube/snapshot.ts';
import type { Clusters } from '../clusters/clusters.ts';
import { snapshotContents, snapshots } from '../clusters/kinds.ts';
import { timeOf } from '../machines/machine-row.ts';
import { derivedTopic, ingredient } from '../topics/derived.ts';

export function snapshotsTopic(clusters: Clusters, ref: ObjectRef): TopicSource<Snapshot> {
  return derivedTopic(clusters.select(ref.clusterId), {
    ingredients: [
      ingredient(snapshots),
      ingredient(snapshotContents, ({ metadata, spec }) => [`${metadata.namespace ?? ''}/${spec.virtualMachineSnapshotName ?? ''}`]),
    ],
    itemKey: (cluster, key) => `${cluster.id}/${key}`,
    row: (cluster, key) => {
      const found = cluster.cache(snapshots).objects.get(key);
      if (found?.metadata.namespace !== ref.namespace || found.spec.source.name !== ref.name) return undefined;
      const content = found.status?.virtualMachineSnapshotContentName ?? '';
      return snapshotRow(cluster.id, found, cluster.cache(snapshotContents).objects.get(`${ref.namespace}/${content}`));
    },
  });
}

/** @param content absent while there is none yet, or where this user may not see it */
export function snapshotRow(clusterId: string, snapshot: VirtualMachineSnapshot, content: VirtualMachineSnapshotContent | undefined): Snapshot {
  const { metadata, spec, status } = snapshot;
  const ref = { clusterId, namespace: metadata.namespace ?? 'default', name: metadata.name ?? '' };
  const description = metadata.annotations?.[DESCRIPTION_ANNOTATION];
  const state = stateOf(snapshot);
  const reason = state === 'ready' ? undefined : (status?.error?.message ?? findCondition(status?.conditions, 'Ready')?.message);
  const sizes = content?.spec.volumeBackups?.map(({ persistentVolumeClaim }) =>
    parseQuantity(persistentVolumeClaim.spec.resources?.requests?.storage),
  );
  return {
    ...ref,
    key: refKey(ref),
    machine: spec.source.name,
    ...(description === undefined ? {} : { description }),
    taken: timeOf(status?.creationTime) ?? timeOf(metadata.creationTimestamp) ?? 0,
    state,
    ...(reason === undefined ? {} : { reason }),
    indications: status?.indications ?? [],
    included: status?.snapshotVolumes?.includedVolumes ?? [],
    excluded: status?.snapshotVolumes?.excludedVolumes ?? [],
    ...(sizes ? { sizeBytes: sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0) } : {}),
  };
}

function stateOf({ metadata, status }: VirtualMachineSnapshot): Snapshot['state'] {
  if (metadata.deletionTimestamp !== undefined || status?.phase === 'Deleting') return 'deleting';
  if (status?.readyToUse === true) return 'ready';
  return status?.phase === 'Failed' ? 'failed' : 'taking';
}

/** What a claim tells of a merge that is under way on its disk's files. */
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import { persistentVolumeClaims } from '../../disks/definitions/persistent-volume-claim.ts';
import { setCondition } from '../../machines/guests.ts';
import { timestamp } from '../../store/keys.ts';
import type { Resources } from '../../store/resources.ts';

const TYPE = 'DiskMerging';

/** @param share between 0 and 1; undefined when it is over */
export function tellMerge(resources: Resources, claims: readonly PersistentVolumeClaim[], share: number | undefined): void {
  const condition =
    share === undefined
      ? undefined
      : { status: 'True' as const, reason: 'SnapshotDeleted', message: `What a deleted snapshot left is merged: ${Math.floor(share * 10) * 10} %` };
  for (const { metadata } of claims) {
    resources.changeStatus(persistentVolumeClaims, metadata.namespace, metadata.name ?? '', (draft) => {
      if (draft.metadata.uid !== metadata.uid) return;
      const conditions = setCondition(draft.status?.conditions ?? [], TYPE, condition, timestamp());
      draft.status = { ...draft.status, conditions };
      if (conditions.length === 0) delete draft.status.conditions;
    });
  }
}

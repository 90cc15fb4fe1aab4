/** What a disk takes of the host's, told on its claim: Kubernetes has no field for it. */
import { statSync } from 'node:fs';
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import type { ResourceDefinition } from '../../api/definition.ts';
import type { ReconcileResult } from '../../controller.ts';
import { isWorthTelling } from '../../core/node-status.ts';
import type { DiskParts } from '../parts.ts';
import type { DiskFile } from '../types.ts';

/** In bytes. */
export const ALLOCATED_ANNOTATION = 'hayloft.io/allocated';

/** A disk that has been written to lately is looked at again; all others are when something happens to their claim or machine. */
const lookEveryMs = 60_000;
const latelyMs = 10 * 60_000;

export function tellAllocation(
  { resources }: DiskParts,
  claims: ResourceDefinition<PersistentVolumeClaim>,
  claim: PersistentVolumeClaim,
  { path, allocatedBytes }: DiskFile,
): ReconcileResult {
  const { namespace, name = '', uid, annotations = {} } = claim.metadata;
  const told = annotations[ALLOCATED_ANNOTATION];
  if (isWorthTelling(allocatedBytes, told === undefined ? undefined : Number(told))) {
    resources.change(claims, namespace, name, ({ metadata }) => {
      if (metadata.uid === uid) metadata.annotations = { ...metadata.annotations, [ALLOCATED_ANNOTATION]: String(allocatedBytes) };
    });
  }
  const writtenMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return Date.now() - writtenMs < latelyMs ? { requeueAfterMs: lookEveryMs } : undefined;
}

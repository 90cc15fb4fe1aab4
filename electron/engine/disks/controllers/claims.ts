/** Claims: a file for each that nobody else fills, growth, and the end of both. */
import type { PersistentVolumeClaim, StorageClass } from '#shared/kube/core.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import { formatBytesQuantity, parseQuantity } from '#shared/kube/quantities.ts';
import { asHayloftError } from '#shared/contract/hayloft-error.ts';
import type { ResourceDefinition } from '../../api/definition.ts';
import { createController, related, type Controller, type Key, type ReconcileResult } from '../../controller.ts';
import { requestedBytes } from '../definitions/claim-fields.ts';
import { PROTECTION_FINALIZER } from '../definitions/persistent-volume-claim.ts';
import { storageClasses } from '../definitions/storage-class.ts';
import { folderMissing } from '../files/class-folder.ts';
import { virtualMachineInstances } from '../../machines/definitions/virtual-machine-instance.ts';
import { claimsOf, machinesUsing } from '../machine-use.ts';
import { volumeSnapshots } from '../../snapshots/definitions/volume-snapshot.ts';
import { neededBy } from '../../snapshots/held.ts';
import { beginFromSnapshot, snapshotOf } from '../../snapshots/begin-from-snapshot.ts';
import type { DiskParts } from '../parts.ts';
import { makeBlank } from '../populate/blank.ts';
import { tellAllocation } from './allocation.ts';
import type { Placement } from '../populate/place.ts';
import { backoffMs } from './backoff.ts';
import { checkClaim } from './check-claim.ts';
import { growClaim, withoutResizing } from './grow-claim.ts';

export function controlClaims(parts: DiskParts, claims: ResourceDefinition<PersistentVolumeClaim>): Controller {
  const { resources } = parts;
  // A volume that has been taken out of a machine is named there no more.
  const leaving = (namespace: string | undefined): Key[] =>
    resources
      .list(claims, { namespace: namespace ?? '' })
      .filter(({ metadata }) => metadata.deletionTimestamp !== undefined)
      .map(({ metadata }) => ({ namespace: metadata.namespace, name: metadata.name ?? '' }));
  const ofClass = ({ metadata }: StorageClass): Key[] =>
    resources
      .list(claims)
      .filter(({ spec }) => spec.storageClassName === metadata.name)
      .map((claim) => ({ namespace: claim.metadata.namespace, name: claim.metadata.name ?? '' }));
  const beginningFrom = ({ metadata }: KubeObject): Key[] =>
    resources
      .list(claims, { namespace: metadata.namespace ?? '' })
      .filter(({ spec, status }) => spec.dataSource?.name === metadata.name && status?.phase !== 'Bound')
      .map((claim) => ({ namespace: claim.metadata.namespace, name: claim.metadata.name ?? '' }));
  return createController(parts, {
    of: claims,
    related: [
      // A class's folder that has come may be waited for.
      related({ of: storageClasses, keys: ({ object }) => ofClass(object) }),
      related({ of: volumeSnapshots, keys: ({ object }) => beginningFrom(object) }),
      related({ of: virtualMachineInstances, keys: ({ object }) => [...claimsOf(object), ...leaving(object.metadata.namespace)] }),
    ],
    reconcile: async ({ namespace, name }) => {
      const claim = resources.get(claims, namespace, name);
      if (!claim) return undefined;
      if (claim.metadata.deletionTimestamp !== undefined) return remove(parts, claims, claim);
      if (claim.spec.volumeName === undefined) {
        resources.change(claims, namespace, name, (draft) => {
          draft.spec.volumeName = `pvc-${draft.metadata.uid ?? ''}`;
        });
      }
      return provide(parts, claims, claim);
    },
  });
}

/** How often the folder of a storage class is looked for, while it is not there. */
const lookForFolderEveryMs = 15_000;

/** Whether a DataVolume fills the claim; all others get a blank disk. */
const isFilledByVolume = ({ metadata, spec }: PersistentVolumeClaim): boolean =>
  spec.dataSource === undefined && (metadata.ownerReferences?.some(({ kind, controller }) => kind === 'DataVolume' && controller === true) ?? false);

async function remove(parts: DiskParts, claims: ResourceDefinition<PersistentVolumeClaim>, claim: PersistentVolumeClaim): Promise<ReconcileResult> {
  const { namespace, name = '', uid = '' } = claim.metadata;
  if (machinesUsing(parts.resources, namespace, name).length > 0) return undefined;
  await parts.jobs.cancel(uid);
  // Its file would be left behind on a disk that is not mounted.
  if (awayFolder(parts, claim)) return { requeueAfterMs: lookForFolderEveryMs };
  parts.files.remove(claim, neededBy(parts.resources, { claimUid: uid }));
  parts.resources.change(claims, namespace, name, (draft) => {
    if (draft.metadata.uid !== uid) return;
    draft.metadata.finalizers = (draft.metadata.finalizers ?? []).filter((text) => text !== PROTECTION_FINALIZER);
  });
  return undefined;
}

/** Whether the claim's folder is not there; says so. */
function awayFolder({ files, events }: DiskParts, claim: PersistentVolumeClaim): boolean {
  const folder = files.missingFolder(claim);
  if (folder === undefined) return false;
  events.record(claim, 'Warning', 'StorageUnavailable', folderMissing(folder));
  return true;
}

function provide(parts: DiskParts, claims: ResourceDefinition<PersistentVolumeClaim>, claim: PersistentVolumeClaim): ReconcileResult | Promise<ReconcileResult> {
  const { files, jobs } = parts;
  const uid = claim.metadata.uid ?? '';
  const wanted = requestedBytes(claim.spec) ?? 0;
  if (jobs.get(uid)) return undefined;
  if (awayFolder(parts, claim)) {
    if (claim.status?.phase === undefined) setPhase(parts, claims, claim, 'Pending');
    return { requeueAfterMs: lookForFolderEveryMs };
  }
  const file = files.find(claim);
  if (file) {
    const granted = parseQuantity(claim.status?.capacity?.storage);
    if (granted !== undefined && granted < wanted && file.virtualSizeBytes < wanted) return growClaim(parts, claims, claim, file, wanted);
    bind(parts, claims, claim, wanted);
    return checkClaim(parts, claims, claim, file) ? undefined : tellAllocation(parts, claims, claim, file);
  }
  if (isFilledByVolume(claim)) {
    // What is granted stays until there is a file that can grow.
    bind(parts, claims, claim, parseQuantity(claim.status?.capacity?.storage) ?? wanted);
    return undefined;
  }
  if (claim.status?.phase === 'Bound' || claim.status?.phase === 'Lost') {
    if (claim.status.phase === 'Bound') {
      parts.events.record(claim, 'Warning', 'ClaimLost', 'The file of this disk is missing. If it was moved away, put it back; else delete the claim.');
    }
    setPhase(parts, claims, claim, 'Lost');
    return undefined;
  }
  const failure = jobs.failure(uid);
  const wait = failure === undefined ? 0 : failure.at + backoffMs(failure.count) - Date.now();
  if (failure !== undefined) {
    const { message, hint = '' } = asHayloftError(failure.error);
    parts.events.record(claim, 'Warning', 'ProvisioningFailed', `${message} ${hint}`.trim());
  }
  setPhase(parts, claims, claim, 'Pending');
  if (wait > 0) return { requeueAfterMs: wait };
  const to = (signal: AbortSignal): Placement => ({ files, claim, capacityBytes: wanted, signal });
  if (claim.spec.dataSource) {
    const snapshot = snapshotOf(parts.resources, claim);
    // The snapshot's own change brings us back.
    if (!snapshot) return undefined;
    void jobs.start(claim, 'clone', (job) => beginFromSnapshot(snapshot, to(job.signal), (share) => (job.progress = share))).catch(() => undefined);
    return undefined;
  }
  void jobs.start(claim, 'blank', ({ signal }) => makeBlank(to(signal))).catch(() => undefined);
  return undefined;
}

function bind(parts: DiskParts, claims: ResourceDefinition<PersistentVolumeClaim>, claim: PersistentVolumeClaim, wanted: number): void {
  setPhase(parts, claims, claim, 'Bound', formatBytesQuantity(wanted));
}

function setPhase(
  { resources }: DiskParts,
  claims: ResourceDefinition<PersistentVolumeClaim>,
  claim: PersistentVolumeClaim,
  phase: 'Pending' | 'Bound' | 'Lost',
  storage?: string,
): void {
  resources.changeStatus(claims, claim.metadata.namespace, claim.metadata.name ?? '', (draft) => {
    draft.status = { ...draft.status, phase };
    if (storage === undefined) return;
    draft.status.capacity = { storage };
    withoutResizing(draft);
    if (draft.spec.accessModes) draft.status.accessModes = draft.spec.accessModes;
  });
}

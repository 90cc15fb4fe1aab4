/**
 * Restores of machines. Each step looks at what is there, so that an end in the middle does no harm. Behaviour and
 * words: KubeVirt's pkg/storage/snapshot/restore.go.
 */
import { setImmediate } from 'node:timers/promises';
import { asHayloftError } from '#shared/contract/hayloft-error.ts';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import { runStrategyOf } from '#shared/kube/machine-status.ts';
import type { KubeObject, OwnerReference } from '#shared/kube/object.ts';
import type { VirtualMachineRestore, VirtualMachineSnapshotContent } from '#shared/kube/snapshot.ts';
import { createController, related, type Controller, type Key, type ReconcileResult } from '../../controller.ts';
import { dataVolumes } from '../../disks/definitions/data-volume.ts';
import { persistentVolumeClaims } from '../../disks/definitions/persistent-volume-claim.ts';
import { virtualMachineInstances } from '../../machines/definitions/virtual-machine-instance.ts';
import { virtualMachines } from '../../machines/definitions/virtual-machine.ts';
import { timestamp } from '../../store/keys.ts';
import { virtualMachineRestores } from '../definitions/virtual-machine-restore.ts';
import { virtualMachineSnapshotContents } from '../definitions/virtual-machine-snapshot-content.ts';
import { virtualMachineSnapshots } from '../definitions/virtual-machine-snapshot.ts';
import { volumeSnapshots } from '../definitions/volume-snapshot.ts';
import { withCondition, type SnapshotParts } from '../parts.ts';
import { restoredMachine } from '../restore/machine.ts';
import { LAST_RESTORE_ANNOTATION, plannedRestores, RESTORE_NAME_ANNOTATION, restoredClaim, restoreMark } from '../restore/volumes.ts';

const RESTORE_FINALIZER = 'snapshot.kubevirt.io/vmrestore-protection';
const PREPOPULATED_ANNOTATION = 'cdi.kubevirt.io/storage.prePopulated';
const gracePeriodMs = 300_000;

export function controlRestores(parts: SnapshotParts): Controller {
  const { resources } = parts;
  const openOnes = (namespace: string | undefined, test: (restore: VirtualMachineRestore) => boolean = () => true): Key[] =>
    resources
      .list(virtualMachineRestores, { namespace: namespace ?? '' })
      .filter((restore) => isOpen(restore) && test(restore))
      .map(({ metadata }) => ({ namespace: metadata.namespace, name: metadata.name ?? '' }));
  const ofTarget = ({ object: { metadata } }: { object: KubeObject }): Key[] =>
    openOnes(metadata.namespace, ({ spec }) => spec.target.name === metadata.name);
  const all = ({ object: { metadata } }: { object: KubeObject }): Key[] => openOnes(metadata.namespace);
  return createController(parts, {
    of: virtualMachineRestores,
    related: [
      related({ of: virtualMachines, keys: ofTarget }),
      related({ of: virtualMachineInstances, keys: ofTarget }),
      related({ of: virtualMachineSnapshots, keys: all }),
      related({ of: persistentVolumeClaims, keys: all }),
      related({ of: dataVolumes, keys: all }),
    ],
    reconcile: async ({ namespace, name }) => {
      const restore = resources.get(virtualMachineRestores, namespace, name);
      if (!restore) return undefined;
      if (restore.metadata.deletionTimestamp !== undefined) {
        end(parts, restore);
        return undefined;
      }
      if (!isOpen(restore)) return undefined;
      // The changes that a step makes are answered by the next look.
      await setImmediate();
      try {
        return bring(parts, restore);
      } catch (error) {
        const { message } = asHayloftError(error);
        parts.events.record(restore, 'Warning', 'VirtualMachineRestoreError', `VirtualMachineRestore encountered error ${message}`);
        say(parts, restore, 'False', message);
        throw error;
      }
    },
  });
}

const isOpen = ({ status }: VirtualMachineRestore): boolean =>
  status?.complete !== true && !(status?.conditions ?? []).some(({ type, status: value }) => type === 'Failure' && value === 'True');

const hasMark = (object: KubeObject, restore: VirtualMachineRestore): boolean =>
  object.metadata.annotations?.[LAST_RESTORE_ANNOTATION] === restoreMark(restore);

export const ownerOf = (vm: VirtualMachine): OwnerReference => ({
  apiVersion: 'kubevirt.io/v1',
  kind: 'VirtualMachine',
  name: vm.metadata.name ?? '',
  uid: vm.metadata.uid ?? '',
  controller: true,
  blockOwnerDeletion: true,
});

function bring(parts: SnapshotParts, restore: VirtualMachineRestore): ReconcileResult {
  const { resources } = parts;
  const { namespace, name = '' } = restore.metadata;
  const target = resources.get(virtualMachines, namespace, restore.spec.target.name);
  hold(parts, restore, target);
  if (restore.status === undefined) say(parts, restore, 'True', 'Initializing VirtualMachineRestore');
  if (target && !hasMark(target, restore) && resources.get(virtualMachineInstances, namespace, restore.spec.target.name)) {
    return notReady(parts, restore, target);
  }
  const content = findContent(parts, restore);
  if (typeof content === 'string') {
    say(parts, restore, 'False', content);
    return undefined;
  }
  const sourceUid = content.spec.source.virtualMachine?.metadata.uid;
  if (target && !hasMark(target, restore) && target.metadata.uid !== sourceUid) {
    fail(parts, restore, 'restore source and restore target are different but restore target already exists');
    return undefined;
  }
  if (target && !hasMark(target, restore)) {
    const other = target.status?.restoreInProgress ?? target.status?.snapshotInProgress;
    if (other !== undefined && other !== name) {
      say(parts, restore, 'False', `The machine is locked by ${other}`);
      return undefined;
    }
    resources.changeStatus(virtualMachines, namespace, restore.spec.target.name, (draft) => ((draft.status ??= {}).restoreInProgress = name));
  }
  plan(parts, restore, content);
  if (!restoreClaims(parts, restore, content, target)) {
    say(parts, restore, 'True', 'Creating new PVCs', 'Waiting for new PVCs');
    return undefined;
  }
  const made = target && hasMark(target, restore) ? target : undefined;
  const machine = made ?? restoredMachine(restore, content, target);
  if (!restoreVolumes(parts, restore, machine, target)) {
    say(parts, restore, 'True', 'Updating target spec', 'Waiting for target update');
    return undefined;
  }
  if (!made) writeMachine(parts, restore, machine, target);
  own(parts, restore);
  for (const old of restore.status?.deletedDataVolumes ?? []) resources.delete(dataVolumes, namespace, old);
  unlock(parts, restore);
  parts.events.record(restore, 'Normal', 'VirtualMachineRestoreComplete', `Successfully completed VirtualMachineRestore ${name}`);
  resources.changeStatus(virtualMachineRestores, namespace, name, (draft) => {
    const status = (draft.status ??= {});
    status.complete = true;
    status.restoreTime = timestamp();
    status.conditions = withCondition(status.conditions, 'Progressing', 'False', 'Operation complete');
    status.conditions = withCondition(status.conditions, 'Ready', 'True', 'Operation complete');
  });
  return undefined;
}

function hold({ resources }: SnapshotParts, restore: VirtualMachineRestore, target: VirtualMachine | undefined): void {
  const { namespace, name = '' } = restore.metadata;
  resources.change(virtualMachineRestores, namespace, name, (draft) => {
    draft.metadata.finalizers = [...new Set([...(draft.metadata.finalizers ?? []), RESTORE_FINALIZER])];
    if (target && (draft.metadata.ownerReferences ?? []).length === 0) draft.metadata.ownerReferences = [ownerOf(target)];
  });
}

function notReady(parts: SnapshotParts, restore: VirtualMachineRestore, target: VirtualMachine): ReconcileResult {
  const policy = restore.spec.targetReadinessPolicy ?? 'WaitGracePeriod';
  parts.events.record(restore, 'Normal', 'RestoreTargetNotReady', 'Restore target VMI still exists');
  const left = Date.parse(restore.metadata.creationTimestamp ?? '') + gracePeriodMs - Date.now();
  if (policy === 'FailImmediate') {
    fail(parts, restore, 'Restore target not ready');
    return undefined;
  }
  if (policy === 'WaitGracePeriod' && left <= 0) {
    fail(parts, restore, 'Restore target failed to be ready within 5m0s');
    return undefined;
  }
  say(parts, restore, 'False', 'Waiting for target to be ready');
  if (policy === 'StopTarget') stop(parts, target);
  return policy === 'WaitGracePeriod' ? { requeueAfterMs: left } : undefined;
}

/** As the stop subresource does. */
function stop({ resources }: SnapshotParts, { metadata }: VirtualMachine): void {
  const { namespace, name = '' } = metadata;
  const uid = resources.get(virtualMachineInstances, namespace, name)?.metadata.uid ?? '';
  const strategy = runStrategyOf(resources.get(virtualMachines, namespace, name) ?? { spec: {} } as VirtualMachine);
  if (strategy === 'Always' || strategy === 'Once') {
    resources.change(virtualMachines, namespace, name, (draft) => {
      if (draft.spec.running !== undefined) draft.spec.running = false;
      else draft.spec.runStrategy = 'Halted';
    });
  } else if (strategy !== 'Halted') {
    resources.changeStatus(virtualMachines, namespace, name, (draft) => ((draft.status ??= {}).stateChangeRequests = [{ action: 'Stop', uid }]));
  }
}

/** @returns the snapshot's content, or why there is none */
function findContent({ resources }: SnapshotParts, { metadata, spec }: VirtualMachineRestore): VirtualMachineSnapshotContent | string {
  const called = `${metadata.namespace ?? ''}/${spec.virtualMachineSnapshotName}`;
  const snapshot = resources.get(virtualMachineSnapshots, metadata.namespace, spec.virtualMachineSnapshotName);
  if (!snapshot) return `VMSnapshot ${called} does not exist`;
  if (snapshot.status?.phase === 'Failed') return `VMSnapshot ${called} failed and is invalid to use`;
  if (snapshot.status?.readyToUse !== true) return `VMSnapshot ${called} not ready`;
  const content = resources.get(virtualMachineSnapshotContents, metadata.namespace, snapshot.status.virtualMachineSnapshotContentName ?? '');
  return content ?? `VMSnapshotContent of ${called} does not exist`;
}

function plan({ resources }: SnapshotParts, restore: VirtualMachineRestore, content: VirtualMachineSnapshotContent): void {
  if (restore.status?.restores !== undefined) return;
  const written = resources.changeStatus(virtualMachineRestores, restore.metadata.namespace, restore.metadata.name ?? '', (draft) => {
    draft.status = { ...draft.status, restores: plannedRestores(restore, content) };
  });
  restore.status = written?.status ?? {};
}

/** @returns whether all claims are there, with their disks */
function restoreClaims(parts: SnapshotParts, restore: VirtualMachineRestore, content: VirtualMachineSnapshotContent, target: VirtualMachine | undefined): boolean {
  const { resources, claims, files } = parts;
  const { namespace } = restore.metadata;
  let ready = true;
  for (const planned of restore.status?.restores ?? []) {
    const found = resources.get(claims, namespace, planned.persistentVolumeClaim);
    if (found && hasMark(found, restore)) {
      ready &&= found.metadata.deletionTimestamp === undefined && files.find(found) !== undefined && found.status?.phase === 'Bound';
      continue;
    }
    ready = false;
    if (found) {
      if (restore.spec.volumeRestorePolicy !== 'InPlace') throw new Error(`A claim "${planned.persistentVolumeClaim}" exists already.`);
      prepopulate(parts, restore, planned.dataVolumeName ?? '');
      resources.delete(claims, namespace, planned.persistentVolumeClaim);
      continue;
    }
    const backup = content.spec.volumeBackups?.find(({ volumeName }) => volumeName === planned.volumeName);
    const snapshot = resources.get(volumeSnapshots, namespace, planned.volumeSnapshotName);
    if (!backup || !snapshot) throw new Error(`The disk's snapshot ${planned.volumeSnapshotName} is missing.`);
    const owner = target && restore.spec.volumeOwnershipPolicy !== 'None' ? ownerOf(target) : undefined;
    const source = content.spec.source.virtualMachine?.metadata ?? {};
    resources.create(claims, restoredClaim({ restore, planned, backup, snapshot, source, owner }));
  }
  return ready;
}

/** Keeps a DataVolume from making its claim anew while that is replaced. */
function prepopulate({ resources }: SnapshotParts, restore: VirtualMachineRestore, name: string): void {
  resources.change(dataVolumes, restore.metadata.namespace, name, (draft) => {
    draft.metadata.annotations = { ...draft.metadata.annotations, [RESTORE_NAME_ANNOTATION]: restore.metadata.name ?? '', [PREPOPULATED_ANNOTATION]: name };
  });
}

/** @returns whether the DataVolumes of the machine's templates are there, on the restored claims */
function restoreVolumes(parts: SnapshotParts, restore: VirtualMachineRestore, machine: VirtualMachine, target: VirtualMachine | undefined): boolean {
  const { resources, volumes } = parts;
  const { namespace, name: restoreName = '' } = restore.metadata;
  let ready = true;
  const templates = machine.spec.dataVolumeTemplates ?? [];
  for (const { metadata, spec } of templates) {
    const name = metadata.name ?? '';
    const restored = restore.status?.restores?.some(({ dataVolumeName }) => dataVolumeName === name) === true;
    const found = resources.get(dataVolumes, namespace, name);
    if (found) ready &&= !restored || found.status?.phase === 'Succeeded';
    else if (restored) {
      resources.create(volumes, {
        apiVersion: 'cdi.kubevirt.io/v1beta1',
        kind: 'DataVolume',
        metadata: {
          name,
          ...(namespace === undefined ? {} : { namespace }),
          ...(metadata.labels ? { labels: metadata.labels } : {}),
          annotations: { ...metadata.annotations, [RESTORE_NAME_ANNOTATION]: restoreName, [PREPOPULATED_ANNOTATION]: name },
          ...(target && restore.spec.volumeOwnershipPolicy !== 'None' ? { ownerReferences: [ownerOf(target)] } : {}),
        },
        spec: structuredClone(spec),
      });
      ready = false;
    }
  }
  if (target && !hasMark(target, restore) && restore.status?.deletedDataVolumes === undefined) {
    const kept = new Set(templates.map(({ metadata }) => metadata.name));
    const old = (target.spec.dataVolumeTemplates ?? []).flatMap(({ metadata }) => (kept.has(metadata.name) ? [] : [metadata.name ?? '']));
    const written = resources.changeStatus(virtualMachineRestores, namespace, restoreName, (draft) => ((draft.status ??= {}).deletedDataVolumes = old));
    restore.status = written?.status ?? {};
  }
  return ready;
}

function writeMachine({ resources, machines }: SnapshotParts, restore: VirtualMachineRestore, machine: VirtualMachine, target: VirtualMachine | undefined): void {
  if (!target) {
    resources.create(machines, machine);
    return;
  }
  resources.change(machines, restore.metadata.namespace, restore.spec.target.name, (draft) => {
    draft.spec = machine.spec;
    draft.metadata.annotations = { ...draft.metadata.annotations, [LAST_RESTORE_ANNOTATION]: restoreMark(restore) };
  });
}

/** What was made before the machine was there goes with it from now on. */
function own({ resources, claims }: SnapshotParts, restore: VirtualMachineRestore): void {
  const { namespace, name = '' } = restore.metadata;
  const machine = resources.get(virtualMachines, namespace, restore.spec.target.name);
  if (!machine) return;
  const take = (draft: KubeObject): void => {
    if ((draft.metadata.ownerReferences ?? []).length === 0) draft.metadata.ownerReferences = [ownerOf(machine)];
  };
  resources.change(virtualMachineRestores, namespace, name, take);
  if (restore.spec.volumeOwnershipPolicy === 'None') return;
  for (const { persistentVolumeClaim, dataVolumeName } of restore.status?.restores ?? []) {
    if (dataVolumeName === undefined) resources.change(claims, namespace, persistentVolumeClaim, take);
    else resources.change(dataVolumes, namespace, dataVolumeName, take);
  }
}

function unlock({ resources }: SnapshotParts, { metadata, spec }: VirtualMachineRestore): void {
  resources.changeStatus(virtualMachines, metadata.namespace, spec.target.name, (draft) => {
    if (draft.status && draft.status.restoreInProgress === metadata.name) delete draft.status.restoreInProgress;
  });
}

function say({ resources }: SnapshotParts, { metadata }: VirtualMachineRestore, progressing: 'True' | 'False', reason: string, ready = reason): void {
  resources.changeStatus(virtualMachineRestores, metadata.namespace, metadata.name ?? '', (draft) => {
    const status = (draft.status ??= {});
    status.complete = false;
    status.conditions = withCondition(status.conditions, 'Progressing', progressing, reason);
    status.conditions = withCondition(status.conditions, 'Ready', 'False', ready);
  });
}

function fail(parts: SnapshotParts, restore: VirtualMachineRestore, why: string): void {
  say(parts, restore, 'False', 'Operation failed');
  // First: what has failed is not looked at again.
  unlock(parts, restore);
  parts.resources.changeStatus(virtualMachineRestores, restore.metadata.namespace, restore.metadata.name ?? '', (draft) => {
    const status = (draft.status ??= {});
    status.conditions = withCondition(status.conditions, 'Failure', 'True', why);
  });
}

function end(parts: SnapshotParts, restore: VirtualMachineRestore): void {
  if (restore.status?.complete !== true) takeBack(parts, restore);
  unlock(parts, restore);
  parts.resources.change(virtualMachineRestores, restore.metadata.namespace, restore.metadata.name ?? '', (draft) => {
    draft.metadata.finalizers = (draft.metadata.finalizers ?? []).filter((finalizer) => finalizer !== RESTORE_FINALIZER);
  });
}

/** What was made for a machine that never came is nobody's. Disks that took the place of others are kept: they are all there is. */
function takeBack({ resources }: SnapshotParts, restore: VirtualMachineRestore): void {
  const { namespace, name } = restore.metadata;
  if (restore.spec.volumeRestorePolicy === 'InPlace') return;
  const isOwned = ({ metadata }: KubeObject): boolean => (metadata.ownerReferences ?? []).length > 0;
  for (const { persistentVolumeClaim, dataVolumeName = '' } of restore.status?.restores ?? []) {
    const volume = resources.get(dataVolumes, namespace, dataVolumeName);
    if (volume && !isOwned(volume) && volume.metadata.annotations?.[RESTORE_NAME_ANNOTATION] === name) resources.delete(dataVolumes, namespace, dataVolumeName);
    const claim = resources.get(persistentVolumeClaims, namespace, persistentVolumeClaim);
    if (claim && hasMark(claim, restore) && !isOwned(claim)) resources.delete(persistentVolumeClaims, namespace, persistentVolumeClaim);
  }
}

/** Snapshots of machines. Behaviour and words: KubeVirt's pkg/storage/snapshot/snapshot.go. */
import { asHayloftError } from '#shared/contract/hayloft-error.ts';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import type { VirtualMachineSnapshot, VirtualMachineSnapshotContent } from '#shared/kube/snapshot.ts';
import { durationMs } from '../../api/representation/go-duration.ts';
import { createController, related, type Controller, type Key, type ReconcileResult } from '../../controller.ts';
import { virtualMachineInstances } from '../../machines/definitions/virtual-machine-instance.ts';
import { virtualMachines } from '../../machines/definitions/virtual-machine.ts';
import { timestamp } from '../../store/keys.ts';
import { makeContent, removeContent, takeContent } from '../content.ts';
import { virtualMachineSnapshotContents } from '../definitions/virtual-machine-snapshot-content.ts';
import { virtualMachineSnapshots } from '../definitions/virtual-machine-snapshot.ts';
import { indicationsOf } from '../indications.ts';
import { liveInstance, withCondition, writerOf, type SnapshotParts } from '../parts.ts';

const SNAPSHOT_FINALIZER = 'snapshot.kubevirt.io/vmsnapshot-protection';
/** Holds a machine while a snapshot of it is taken. */
const SOURCE_FINALIZER = 'snapshot.kubevirt.io/snapshot-source-protection';
const defaultDeadlineMs = 300_000;
const againMs = 1000;
/** A guest that could not hold still is given some time. */
const freezeAgainMs = 5000;

/** Of snapshots that could not be taken: when they are tried again, as `performance.now()`, by namespace and name. */
type Pauses = Map<string, number>;

export function controlSnapshots(parts: SnapshotParts): Controller {
  const { resources } = parts;
  const pauses: Pauses = new Map();
  const openOnesOf = (namespace: string | undefined, machine: string | undefined): Key[] =>
    resources
      .list(virtualMachineSnapshots, { namespace: namespace ?? '' })
      .filter((snapshot) => isOpen(snapshot) && snapshot.spec.source.name === machine)
      .map(({ metadata }) => ({ namespace: metadata.namespace, name: metadata.name ?? '' }));
  return createController(parts, {
    of: virtualMachineSnapshots,
    related: [
      related({ of: virtualMachines, keys: ({ object: { metadata } }) => openOnesOf(metadata.namespace, metadata.name) }),
      related({ of: virtualMachineInstances, keys: ({ object: { metadata } }) => openOnesOf(metadata.namespace, metadata.name) }),
    ],
    reconcile: async ({ namespace, name }) => {
      const snapshot = resources.get(virtualMachineSnapshots, namespace, name);
      if (!snapshot || !isOpen(snapshot)) pauses.delete(`${namespace ?? ''}/${name}`);
      if (!snapshot) return undefined;
      if (snapshot.metadata.deletionTimestamp !== undefined) {
        end(parts, snapshot);
        return undefined;
      }
      return isOpen(snapshot) ? bring(parts, pauses, snapshot) : undefined;
    },
  });
}

const isOpen = ({ status }: VirtualMachineSnapshot): boolean => status?.phase !== 'Succeeded' && status?.phase !== 'Failed';

export const contentNameOf = (snapshot: VirtualMachineSnapshot): string =>
  snapshot.status?.virtualMachineSnapshotContentName ?? `vmsnapshot-content-${snapshot.metadata.uid ?? ''}`;

async function bring(parts: SnapshotParts, pauses: Pauses, given: VirtualMachineSnapshot): Promise<ReconcileResult> {
  const { resources } = parts;
  const { namespace, name = '' } = given.metadata;
  if (!given.metadata.finalizers?.includes(SNAPSHOT_FINALIZER)) {
    resources.change(virtualMachineSnapshots, namespace, name, (draft) => {
      draft.metadata.finalizers = [...(draft.metadata.finalizers ?? []), SNAPSHOT_FINALIZER];
    });
  }
  const left = timeLeft(given);
  if (left <= 0) {
    fail(parts, given);
    return undefined;
  }
  // What is told of a failure is a change, and would bring us back at once.
  const id = `${namespace ?? ''}/${name}`;
  const pause = (pauses.get(id) ?? 0) - performance.now();
  if (pause > 0) return { requeueAfterMs: Math.min(pause, left) };
  const wait: ReconcileResult = left === Infinity ? undefined : { requeueAfterMs: left };
  const vm = resources.get(virtualMachines, namespace, given.spec.source.name);
  // One that is locked already stays until its snapshot is taken, and goes then.
  if (!vm || (vm.metadata.deletionTimestamp !== undefined && vm.status?.snapshotInProgress !== name)) {
    say(parts, given, 'False', vm ? 'Source is being deleted' : 'Source does not exist');
    return wait;
  }
  const other = vm.status?.snapshotInProgress;
  if (vm.status?.restoreInProgress !== undefined || (other !== undefined && other !== name)) {
    say(parts, given, 'False', other === undefined ? 'Source is being restored' : `Source is locked by the snapshot ${other}`);
    return wait;
  }
  const vmi = liveInstance(parts, namespace, vm.metadata.name ?? '');
  const writer = vmi && writerOf(parts, vmi);
  if (vmi && (!writer || vmi.metadata.deletionTimestamp !== undefined)) {
    say(parts, given, 'False', writer ? 'Source is shutting down' : 'Source is starting');
    return wait;
  }
  lock(parts, vm, name);
  say(parts, given, 'True', 'Source locked and operation in progress');
  const content = makeContent(parts, given, vm);
  try {
    await takeContent(parts, content, vmi, writer);
  } catch (error) {
    const { message } = asHayloftError(error);
    resources.changeStatus(virtualMachineSnapshotContents, namespace, content.metadata.name ?? '', (draft) => {
      draft.status = { ...draft.status, readyToUse: false, error: { message, time: timestamp() } };
    });
    resources.changeStatus(virtualMachineSnapshots, namespace, name, (draft) => {
      draft.status = { ...draft.status, error: { message, time: timestamp() } };
      draft.status.conditions = withCondition(draft.status.conditions, 'Progressing', 'False', 'In error state');
      if (writer?.quiesce?.failed) tellIndications(draft.status, indicationsOf(vmi, writer.quiesce));
    });
    const pauseMs = writer?.quiesce?.failed ? freezeAgainMs : againMs;
    pauses.set(id, performance.now() + pauseMs);
    return { requeueAfterMs: Math.min(pauseMs, left) };
  }
  // In this order: what has succeeded is not looked at again, and an engine that ended in between left the machine locked.
  unlock(parts, vm.metadata.namespace, vm.metadata.name ?? '', name);
  succeed(parts, given, indicationsOf(vmi, writer?.quiesce, given.status?.indications));
  return undefined;
}

function timeLeft({ metadata, spec }: VirtualMachineSnapshot): number {
  const limit = spec.failureDeadline === undefined ? defaultDeadlineMs : durationMs(spec.failureDeadline);
  return limit === 0 ? Infinity : Date.parse(metadata.creationTimestamp ?? '') + limit - Date.now();
}

function say({ resources }: SnapshotParts, { metadata, spec }: VirtualMachineSnapshot, progressing: 'True' | 'False', reason: string): void {
  const vm = resources.get(virtualMachines, metadata.namespace, spec.source.name);
  resources.changeStatus(virtualMachineSnapshots, metadata.namespace, metadata.name ?? '', (draft) => {
    const status = (draft.status ??= {});
    status.phase = 'InProgress';
    status.readyToUse = false;
    if (vm?.metadata.uid !== undefined) status.sourceUID = vm.metadata.uid;
    status.conditions = withCondition(status.conditions, 'Progressing', progressing, reason);
    status.conditions = withCondition(status.conditions, 'Ready', 'False', 'Not ready');
  });
}

function succeed({ resources }: SnapshotParts, { metadata }: VirtualMachineSnapshot, indications: ReturnType<typeof indicationsOf>): void {
  const content = resources.get(virtualMachineSnapshotContents, metadata.namespace, `vmsnapshot-content-${metadata.uid ?? ''}`);
  const included = (content?.spec.volumeBackups ?? []).map(({ volumeName }) => volumeName);
  const all = content?.spec.source.virtualMachine?.spec.template.spec.volumes ?? [];
  const excluded = all.map(({ name }) => name).filter((name) => !included.includes(name));
  resources.changeStatus(virtualMachineSnapshots, metadata.namespace, metadata.name ?? '', (draft) => {
    const status = (draft.status ??= {});
    status.phase = 'Succeeded';
    status.readyToUse = true;
    delete status.error;
    if (content?.metadata.name !== undefined) status.virtualMachineSnapshotContentName = content.metadata.name;
    if (content?.status?.creationTime !== undefined) status.creationTime = content.status.creationTime;
    tellIndications(status, indications);
    status.snapshotVolumes = {
      ...(included.length > 0 ? { includedVolumes: included } : {}),
      ...(excluded.length > 0 ? { excludedVolumes: excluded } : {}),
    };
    status.conditions = withCondition(status.conditions, 'Progressing', 'False', 'Operation complete');
    status.conditions = withCondition(status.conditions, 'Ready', 'True', 'Ready');
  });
}

function tellIndications(status: NonNullable<VirtualMachineSnapshot['status']>, indications: ReturnType<typeof indicationsOf>): void {
  if (indications.length === 0) return;
  status.indications = indications.map(({ indication }) => indication);
  status.sourceIndications = indications;
}

/** Its time is over: nothing of it stays. */
function fail(parts: SnapshotParts, snapshot: VirtualMachineSnapshot): void {
  const { resources } = parts;
  const { namespace, name = '' } = snapshot.metadata;
  removeContent(parts, namespace, contentNameOf(snapshot));
  unlock(parts, namespace, snapshot.spec.source.name, name);
  resources.changeStatus(virtualMachineSnapshots, namespace, name, (draft) => {
    const status = (draft.status ??= {});
    status.phase = 'Failed';
    status.readyToUse = false;
    status.conditions = withCondition(status.conditions, 'Failure', 'True', 'snapshot deadline exceeded');
    status.conditions = withCondition(status.conditions, 'Progressing', 'False', 'Operation failed');
    status.conditions = withCondition(status.conditions, 'Ready', 'False', 'Not ready');
  });
}

function end(parts: SnapshotParts, snapshot: VirtualMachineSnapshot): void {
  const { resources } = parts;
  const { namespace, name = '' } = snapshot.metadata;
  const content: VirtualMachineSnapshotContent | undefined = resources.get(virtualMachineSnapshotContents, namespace, contentNameOf(snapshot));
  if (content && (snapshot.spec.deletionPolicy !== 'Retain' || content.status?.readyToUse !== true)) removeContent(parts, namespace, contentNameOf(snapshot));
  unlock(parts, namespace, snapshot.spec.source.name, name);
  resources.change(virtualMachineSnapshots, namespace, name, (draft) => {
    draft.metadata.finalizers = (draft.metadata.finalizers ?? []).filter((finalizer) => finalizer !== SNAPSHOT_FINALIZER);
  });
}

function lock({ resources }: SnapshotParts, { metadata }: VirtualMachine, snapshot: string): void {
  resources.changeStatus(virtualMachines, metadata.namespace, metadata.name ?? '', (draft) => ((draft.status ??= {}).snapshotInProgress = snapshot));
  resources.change(virtualMachines, metadata.namespace, metadata.name ?? '', (draft) => {
    draft.metadata.finalizers = [...new Set([...(draft.metadata.finalizers ?? []), SOURCE_FINALIZER])];
  });
}

function unlock({ resources }: SnapshotParts, namespace: string | undefined, machine: string, snapshot: string): void {
  if (resources.get(virtualMachines, namespace, machine)?.status?.snapshotInProgress !== snapshot) return;
  resources.changeStatus(virtualMachines, namespace, machine, (draft) => {
    delete draft.status?.snapshotInProgress;
  });
  resources.change(virtualMachines, namespace, machine, (draft) => {
    draft.metadata.finalizers = (draft.metadata.finalizers ?? []).filter((finalizer) => finalizer !== SOURCE_FINALIZER);
  });
}

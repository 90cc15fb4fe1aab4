/**
 * Clones: a snapshot of the source, another machine restored from it, and both taken away again. Phases and words:
 * KubeVirt's pkg/virt-controller/watch/clone.
 */
import type { ClonePhase, VirtualMachineClone } from '#shared/kube/clone.ts';
import type { KubeObject, OwnerReference } from '#shared/kube/object.ts';
import type { VirtualMachineRestore, VirtualMachineSnapshot } from '#shared/kube/snapshot.ts';
import type { EngineContext } from '../context.ts';
import { createController, related, type Controller, type Key } from '../controller.ts';
import { virtualMachines } from '../machines/definitions/virtual-machine.ts';
import { virtualMachineRestores } from '../snapshots/definitions/virtual-machine-restore.ts';
import { virtualMachineSnapshotContents } from '../snapshots/definitions/virtual-machine-snapshot-content.ts';
import { virtualMachineSnapshots } from '../snapshots/definitions/virtual-machine-snapshot.ts';
import { withCondition } from '../snapshots/parts.ts';
import { generateName } from '../store/generate-name.ts';
import { timestamp } from '../store/keys.ts';
import { virtualMachineClones } from './definition.ts';
import { clonePatches } from './patches.ts';

export function controlClones(context: EngineContext): Controller {
  const { resources } = context;
  const openOnes = ({ object: { metadata } }: { object: KubeObject }): Key[] =>
    resources
      .list(virtualMachineClones, { namespace: metadata.namespace ?? '' })
      .filter((clone) => !isOver(clone))
      .map((clone) => ({ namespace: clone.metadata.namespace, name: clone.metadata.name ?? '' }));
  return createController(context, {
    of: virtualMachineClones,
    related: [
      related({ of: virtualMachines, keys: openOnes }),
      related({ of: virtualMachineSnapshots, keys: openOnes }),
      related({ of: virtualMachineRestores, keys: openOnes }),
    ],
    reconcile: ({ namespace, name }) => {
      const clone = resources.get(virtualMachineClones, namespace, name);
      // What it made meanwhile goes with it, by its owner references.
      if (!clone || clone.metadata.deletionTimestamp !== undefined) return undefined;
      if (isOver(clone)) tidy(context, clone);
      else bring(context, clone);
      return undefined;
    },
  });
}

const isOver = ({ status }: VirtualMachineClone): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed';

function ownerOf({ apiVersion, kind, metadata }: VirtualMachineClone): OwnerReference {
  return { apiVersion, kind, name: metadata.name ?? '', uid: metadata.uid ?? '', controller: true, blockOwnerDeletion: true };
}

function bring(context: EngineContext, clone: VirtualMachineClone): void {
  const { resources } = context;
  const { namespace } = clone.metadata;
  const { source } = clone.spec;
  // The restore marks what it made.
  const targetName = clone.status?.targetName ?? clone.spec.target?.name ?? generateName(`clone-${source.name}-`);
  if (clone.status?.targetName === undefined) say(context, clone, { phase: 'SnapshotInProgress', targetName });

  const fromSnapshot = source.kind === 'VirtualMachineSnapshot';
  const isThere = fromSnapshot ? resources.get(virtualMachineSnapshots, namespace, source.name) : resources.get(virtualMachines, namespace, source.name);
  if (isThere === undefined && clone.status?.snapshotName === undefined) {
    context.events.record(clone, 'Warning', 'SourceDoesNotExist', `${source.kind} ${source.name} does not exist`);
    return;
  }
  const snapshot = fromSnapshot ? resources.get(virtualMachineSnapshots, namespace, source.name) : ownSnapshot(context, clone);
  if (!snapshot) {
    fail(context, clone, `snapshot ${clone.status?.snapshotName ?? ''} does not exist anymore`);
    return;
  }
  if (snapshot.status?.phase === 'Failed') {
    fail(context, clone, `snapshot ${snapshot.metadata.name ?? ''} failed`);
    return;
  }
  if (snapshot.status?.readyToUse !== true) return;
  const restore = ownRestore(context, clone, snapshot, targetName);
  if (!restore) return;
  const failure = restore.status?.conditions?.find(({ type, status }) => type === 'Failure' && status === 'True');
  if (failure) {
    fail(context, clone, failure.reason ?? '');
    return;
  }
  if (restore.status?.complete !== true) return;
  say(context, clone, { phase: 'CreatingTargetVM', targetName });
  if (!resources.get(virtualMachines, namespace, targetName)) return;
  context.events.record(clone, 'Normal', 'TargetVMCreated', `created target VM ${targetName} for clone ${clone.metadata.name ?? ''}`);
  // Its own change brings us back, to tidy up.
  say(context, clone, { phase: 'Succeeded', targetName });
}

function ownSnapshot({ resources, events }: EngineContext, clone: VirtualMachineClone): VirtualMachineSnapshot | undefined {
  const { namespace, name: cloneName = '', uid = '' } = clone.metadata;
  const name = `tmp-snapshot-${uid}`;
  const found = resources.get(virtualMachineSnapshots, namespace, name);
  if (found || clone.status?.snapshotName !== undefined) return found;
  const made = resources.create(virtualMachineSnapshots, {
    apiVersion: 'snapshot.kubevirt.io/v1beta1',
    kind: 'VirtualMachineSnapshot',
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), ownerReferences: [ownerOf(clone)] },
    spec: { source: clone.spec.source },
  });
  events.record(clone, 'Normal', 'SnapshotCreated', `created snapshot ${name} for clone ${cloneName}`);
  resources.changeStatus(virtualMachineClones, namespace, cloneName, (draft) => ((draft.status ??= {}).snapshotName = name));
  return made;
}

function ownRestore(context: EngineContext, clone: VirtualMachineClone, snapshot: VirtualMachineSnapshot, target: string): VirtualMachineRestore | undefined {
  const { resources, events } = context;
  const { namespace, name: cloneName = '', uid = '' } = clone.metadata;
  const name = `tmp-restore-${uid}`;
  say(context, clone, { phase: 'RestoreInProgress', targetName: target });
  const found = resources.get(virtualMachineRestores, namespace, name);
  if (found) return found;
  if (resources.get(virtualMachines, namespace, target)) {
    fail(context, clone, `target VM ${target} exists already`);
    return undefined;
  }
  const content = resources.get(virtualMachineSnapshotContents, namespace, snapshot.status?.virtualMachineSnapshotContentName ?? '');
  const source = content?.spec.source.virtualMachine;
  if (!source) return undefined;
  const made = resources.create(virtualMachineRestores, {
    apiVersion: 'snapshot.kubevirt.io/v1beta1',
    kind: 'VirtualMachineRestore',
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), ownerReferences: [ownerOf(clone)] },
    spec: {
      target: { apiGroup: 'kubevirt.io', kind: 'VirtualMachine', name: target },
      virtualMachineSnapshotName: snapshot.metadata.name ?? '',
      patches: clonePatches(clone, source),
      ...(clone.spec.volumeNamePolicy === undefined ? {} : { volumeRestorePolicy: clone.spec.volumeNamePolicy }),
    },
  });
  events.record(clone, 'Normal', 'RestoreCreated', `created restore ${name} for clone ${cloneName}`);
  resources.changeStatus(virtualMachineClones, namespace, cloneName, (draft) => ((draft.status ??= {}).restoreName = name));
  return made;
}

function say({ resources }: EngineContext, { metadata }: VirtualMachineClone, change: { phase: ClonePhase; targetName?: string }): void {
  const over = change.phase === 'Succeeded' ? 'Ready' : change.phase === 'Failed' ? 'Failed' : undefined;
  resources.changeStatus(virtualMachineClones, metadata.namespace, metadata.name ?? '', (draft) => {
    const status = (draft.status ??= {});
    Object.assign(status, change);
    if (change.phase === 'Succeeded') {
      status.creationTime = timestamp();
      delete status.snapshotName;
      delete status.restoreName;
    }
    status.conditions = withCondition(status.conditions, 'Progressing', over === undefined ? 'True' : 'False', over ?? 'Still processing');
    status.conditions = withCondition(status.conditions, 'Ready', over === 'Ready' ? 'True' : 'False', over ?? 'Still processing');
  });
}

function fail(context: EngineContext, clone: VirtualMachineClone, why: string): void {
  context.events.record(clone, 'Warning', 'Failed', why);
  say(context, clone, { phase: 'Failed' });
}

/** The snapshot and the restore were means to an end. */
function tidy({ resources }: EngineContext, { metadata }: VirtualMachineClone): void {
  resources.delete(virtualMachineRestores, metadata.namespace, `tmp-restore-${metadata.uid ?? ''}`);
  resources.delete(virtualMachineSnapshots, metadata.namespace, `tmp-snapshot-${metadata.uid ?? ''}`);
}

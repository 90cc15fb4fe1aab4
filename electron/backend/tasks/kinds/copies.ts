/** Snapshots, restores and clones, told by KubeVirt's objects of these kinds. */
import type { VirtualMachineClone } from '#shared/kube/clone.ts';
import { findCondition } from '#shared/kube/machine-status.ts';
import type { VirtualMachineRestore } from '#shared/kube/snapshot.ts';
import { claims, clones, restores, snapshotContents, snapshots, virtualMachines } from '../../clusters/kinds.ts';
import type { TaskEntry } from '../entry.ts';
import { remove } from '../remove.ts';
import { done, failed, going, unknown, type Look, type Standing, type TaskDefinition } from '../standing.ts';

const always = (): boolean => true;
const objectOf = ({ object = '' }: TaskEntry): string => object;

export const snapshot: TaskDefinition = {
  watches: [snapshots],
  keeps: always,
  stand: async (entry, look) => {
    const found = await look.get(snapshots, objectOf(entry));
    if (!found) return unknown('The snapshot was deleted before it was known to be ready.', 'Take another one if you need it.');
    const { status } = found;
    if (status?.readyToUse === true) return done();
    if (status?.phase === 'Failed') {
      return failed(status.error?.message ?? 'The cluster could not take the snapshot.', 'Delete it, and try again when the cause is mended.');
    }
    if (status?.phase === 'Deleting') return going('It is being deleted.', { fixed: 'It is being deleted already.' });
    const content = await look.get(snapshotContents, status?.virtualMachineSnapshotContentName ?? '');
    const disks = content?.status?.volumeSnapshotStatus ?? [];
    const ready = disks.filter(({ readyToUse }) => readyToUse === true).length;
    const step = status?.error?.message ?? (disks.length === 0 ? 'Its disks are being held still.' : `${ready} of ${disks.length} disks are done.`);
    return going(step, disks.length === 0 ? {} : { progress: ready / disks.length });
  },
  cancel: (client, entry) => remove(client, snapshots, entry.machine.namespace, objectOf(entry)),
};

export const restore: TaskDefinition = {
  watches: [restores],
  keeps: always,
  stand: async (entry, look) => {
    const found = await look.get(restores, objectOf(entry));
    if (!found) {
      return unknown('The cluster’s record of this restore was deleted, so how it ended cannot be told.', 'Look at the machine’s disks.');
    }
    return restoreStands(found, look);
  },
  cancel: (client, entry) => remove(client, restores, entry.machine.namespace, objectOf(entry)),
};

const cloneSteps: Partial<Record<NonNullable<NonNullable<VirtualMachineClone['status']>['phase']>, string>> = {
  SnapshotInProgress: 'A snapshot of its disks is being taken.',
  RestoreInProgress: 'Its disks are being copied.',
  CreatingTargetVM: 'The new machine is being made.',
};

export const clone: TaskDefinition = {
  watches: [clones, restores, virtualMachines],
  keeps: always,
  stand: async (entry, look) => {
    const found = await look.get(clones, objectOf(entry));
    if (!found) {
      const made = await look.get(virtualMachines, entry.target ?? '');
      return made ? done() : unknown('The cluster’s record of this clone was deleted, and there is no new machine.', 'Clone it again.');
    }
    const { phase = '', restoreName, conditions } = found.status ?? {};
    if (phase === 'Succeeded') return done();
    if (phase === 'Failed') {
      const said = conditions?.find(({ message }) => message)?.message;
      return failed(said ?? (await look.warning('VirtualMachineClone', objectOf(entry))) ?? 'The cluster could not make the clone.');
    }
    const step = cloneSteps[phase] ?? 'The clone is being prepared.';
    const copying = restoreName === undefined ? undefined : await look.get(restores, restoreName);
    return copying ? going(step, { ...(await shareOf(copying, look)) }) : going(step);
  },
  // Its snapshot and its restore belong to it, and go with it.
  cancel: (client, entry) => remove(client, clones, entry.machine.namespace, objectOf(entry)),
  tidy: (client, entry) => remove(client, clones, entry.machine.namespace, objectOf(entry)),
};

async function restoreStands(found: VirtualMachineRestore, look: Look): Promise<Standing> {
  const { status } = found;
  if (status?.complete === true) return done();
  const failure = findCondition(status?.conditions, 'Failure');
  if (failure?.status === 'True') return failed(failure.message ?? failure.reason ?? 'The cluster could not restore it.');
  if (status?.restores === undefined) {
    const waiting = findCondition(status?.conditions, 'Ready');
    return going(waiting?.message ?? waiting?.reason ?? 'The restore is being prepared.');
  }
  return going('Its disks are being restored.', {
    ...(await shareOf(found, look)),
    fixed: 'Its disks are being replaced; stopping now would leave it between two states.',
  });
}

/** How many of the restored claims are there. */
async function shareOf({ status }: VirtualMachineRestore, look: Look): Promise<{ progress?: number }> {
  const names = (status?.restores ?? []).map(({ persistentVolumeClaim }) => persistentVolumeClaim);
  if (names.length === 0) return {};
  const found = await Promise.all(names.map((name) => look.get(claims, name)));
  return { progress: found.filter((claim) => claim?.status?.phase === 'Bound').length / names.length };
}

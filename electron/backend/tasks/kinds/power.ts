/** Starting, shutting down and restarting, told by the machine and its instance. */
import type { DataVolume } from '#shared/kube/cdi.ts';
import type { VirtualMachine, VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { runStrategyOf, statusOf, toneOf } from '#shared/kube/machine-status.ts';
import { dataVolumes, subresourcePath, virtualMachineInstances, virtualMachines } from '../../clusters/kinds.ts';
import { explain } from '../../machines/explanation/explain.ts';
import { progressOf } from '../../machines/machine-disks.ts';
import type { TaskEntry } from '../entry.ts';
import { done, failed, going, machineGone, type Look, type Standing, type TaskDefinition } from '../standing.ts';

/** KubeVirt's default, in seconds, where a machine does not say how long its guest may take to shut down. */
const usualGraceSeconds = 30;
/** How long a machine that is off may look as if nobody had asked it to start, in milliseconds. */
const beginsWithinMs = 10_000;

const watches = [virtualMachines, virtualMachineInstances, dataVolumes];
const never = (): boolean => false;

export const start: TaskDefinition = {
  watches,
  keeps: never,
  stand: async (entry, look) => {
    const { vm, vmi } = await both(entry, look);
    return vm ? startStands(entry, vm, vmi, await volumesOf(vm, look)) : machineGone(entry);
  },
  cancel: async (client, { machine }) => {
    await client.call('PUT', subresourcePath('virtualmachines', machine, 'stop'), { body: {} });
  },
};

export const stop: TaskDefinition = {
  watches: [virtualMachineInstances],
  keeps: never,
  stand: async (entry, look) => {
    const vmi = await look.get(virtualMachineInstances, entry.machine.name);
    const phase = vmi?.status?.phase;
    if (!vmi || isOther(entry, vmi) || phase === 'Succeeded' || phase === 'Failed') return done();
    const grace = (vmi.spec.terminationGracePeriodSeconds ?? usualGraceSeconds) * 1000;
    const left = entry.begun + grace - Date.now();
    return left > 0
      ? going(`The guest is shutting down. If it has not by then, it is turned off in ${Math.ceil(left / 1000)} s.`, {
          progress: 1 - left / grace,
          ticks: true,
        })
      : going('The guest did not shut down in time. It is being turned off.');
  },
};

export const restart: TaskDefinition = {
  watches,
  keeps: never,
  stand: async (entry, look) => {
    const { vm, vmi } = await both(entry, look);
    if (!vm) return machineGone(entry);
    if (vmi && !isOther(entry, vmi)) return going('The guest is shutting down.');
    return startStands(entry, vm, vmi, await volumesOf(vm, look));
  },
};

/** A machine that was just made: its disks. */
export const create: TaskDefinition = {
  watches: [virtualMachines, dataVolumes],
  keeps: never,
  stand: async (entry, look) => {
    const vm = await look.get(virtualMachines, entry.machine.name);
    if (!vm) return machineGone(entry);
    const volumes = await volumesOf(vm, look);
    const broken = volumes.find(({ status }) => status?.phase === 'Failed');
    if (broken) return failed(explain({ vm, vmi: undefined, volumes })?.sentence ?? `Its disk ${broken.metadata.name ?? ''} could not be made.`);
    if (volumes.length === (vm.spec.dataVolumeTemplates ?? []).length && volumes.every(isMade)) return done();
    return disksInTheMaking(volumes);
  },
};

async function both(entry: TaskEntry, look: Look): Promise<{ vm: VirtualMachine | undefined; vmi: VirtualMachineInstance | undefined }> {
  const [vm, vmi] = await Promise.all([
    look.get(virtualMachines, entry.machine.name),
    look.get(virtualMachineInstances, entry.machine.name),
  ]);
  return { vm, vmi };
}

async function volumesOf(vm: VirtualMachine, look: Look): Promise<DataVolume[]> {
  const names = (vm.spec.dataVolumeTemplates ?? []).map(({ metadata }) => metadata.name ?? '');
  return (await Promise.all(names.map((name) => look.get(dataVolumes, name)))).filter((volume) => volume !== undefined);
}

const isOther = ({ instanceUid }: TaskEntry, vmi: VirtualMachineInstance): boolean =>
  instanceUid !== undefined && vmi.metadata.uid !== instanceUid;

/** A volume that waits for its first user is as ready as it gets without one. */
const isMade = ({ status }: DataVolume): boolean => status?.phase === 'Succeeded' || status?.phase === 'WaitForFirstConsumer';

function startStands(entry: TaskEntry, vm: VirtualMachine, vmi: VirtualMachineInstance | undefined, volumes: readonly DataVolume[]): Standing {
  const phase = vmi?.status?.phase;
  if (phase === 'Running' || phase === 'Succeeded') return done();
  const status = statusOf(vm);
  if (toneOf(status) === 'bad') {
    const { sentence = `It cannot start (${status}).`, next } = explain({ vm, vmi, volumes }) ?? {};
    return failed(sentence, next ?? 'The machine’s page tells more. The cluster goes on trying.');
  }
  const wanted = (vm.status?.stateChangeRequests ?? []).length > 0 || ['Always', 'Once'].includes(runStrategyOf(vm));
  if (!vmi && !wanted && status === 'Stopped' && Date.now() - entry.begun > beginsWithinMs) {
    return failed('It is off again: somebody stopped it, or its guest ended at once.', undefined, 'not-running');
  }
  const unfinished = volumes.filter((volume) => !isMade(volume));
  if (unfinished.length > 0) return disksInTheMaking(volumes);
  return going(explain({ vm, vmi, volumes })?.sentence ?? 'The machine is starting.', vmi ? {} : { ticks: true });
}

function disksInTheMaking(volumes: readonly DataVolume[]): Standing {
  const shares = volumes.map((volume) => (isMade(volume) ? 1 : progressOf(volume)));
  const counted = shares.filter((share) => share !== undefined);
  const left = volumes.filter((volume) => !isMade(volume)).length;
  return going(left === 1 ? 'Its disk is being made.' : 'Its disks are being made.', {
    ...(counted.length === shares.length && counted.length > 0
      ? { progress: counted.reduce((sum, share) => sum + share, 0) / counted.length }
      : {}),
  });
}

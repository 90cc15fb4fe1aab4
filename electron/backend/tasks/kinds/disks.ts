/** Disks that come and go, told by the volume, the machine, and what the running instance says of it. */
import { volumeSourceName } from '#shared/kube/volume-source.ts';
import { claims, dataVolumes, subresourcePath, virtualMachineInstances, virtualMachines } from '../../clusters/kinds.ts';
import { progressOf } from '../../machines/machine-disks.ts';
import type { TaskEntry } from '../entry.ts';
import { remove } from '../remove.ts';
import { done, failed, going, machineGone, type TaskDefinition } from '../standing.ts';

const watches = [virtualMachines, virtualMachineInstances, dataVolumes];
const diskOf = ({ object = '' }: TaskEntry): string => object;

export const addDisk: TaskDefinition = {
  watches,
  keeps: () => false,
  stand: async (entry, look) => {
    const [vm, vmi] = await Promise.all([look.get(virtualMachines, entry.machine.name), look.get(virtualMachineInstances, entry.machine.name)]);
    if (!vm) return machineGone(entry);
    const volume = vm.spec.template.spec.volumes?.find(({ name }) => name === diskOf(entry));
    const plugged = vmi?.status?.volumeStatus?.find(({ name }) => name === diskOf(entry));
    const claimName = (volume && volumeSourceName(volume)) ?? entry.made ?? diskOf(entry);
    const dataVolume = await look.get(dataVolumes, claimName);
    if (dataVolume?.status?.phase === 'Failed') {
      const why = dataVolume.status.conditions?.find(({ status, message }) => status === 'False' && message);
      return failed(why?.message ?? 'The disk could not be made.', 'Detach it, and try again.');
    }
    if (plugged?.phase === 'Ready') return done();
    if (!vmi && volume) {
      const claim = await look.get(claims, claimName);
      if (claim?.status?.phase === 'Bound') return done();
    }
    const progress = progressOf(dataVolume);
    return going(plugged?.message ?? (vmi ? 'The disk is being plugged in.' : 'The disk is being made.'), progress === undefined ? {} : { progress });
  },
  cancel: async (client, entry) => {
    const { machine, made } = entry;
    await client.call('PUT', subresourcePath('virtualmachines', machine, 'removevolume'), { body: { name: diskOf(entry) } });
    if (made !== undefined) await remove(client, dataVolumes, machine.namespace, made);
  },
};

export const removeDisk: TaskDefinition = {
  watches,
  keeps: () => false,
  stand: async (entry, look) => {
    const vmi = await look.get(virtualMachineInstances, entry.machine.name);
    const plugged = vmi?.status?.volumeStatus?.find(({ name }) => name === diskOf(entry));
    if (!plugged) return done();
    return going(plugged.message ?? 'The guest has not let go of it yet.');
  },
};

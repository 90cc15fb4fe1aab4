/** A machine that becomes larger while it runs, and one that is deleted. */
import { findCondition } from '#shared/kube/machine-status.ts';
import { virtualMachineInstances, virtualMachines } from '../../clusters/kinds.ts';
import { done, failed, going, machineGone, type TaskDefinition } from '../standing.ts';

export const resize: TaskDefinition = {
  watches: [virtualMachines, virtualMachineInstances],
  keeps: () => true,
  stand: async (entry, look) => {
    const [vm, vmi] = await Promise.all([look.get(virtualMachines, entry.machine.name), look.get(virtualMachineInstances, entry.machine.name)]);
    if (!vm) return machineGone(entry);
    if (!vmi) return done('It is off; it has its new size when it starts.');
    const restart = findCondition(vm.status?.conditions, 'RestartRequired');
    if (restart?.status === 'True') return done('It has its new size after a restart.');
    const changes = ['HotVCPUChange', 'HotMemoryChange'].map((type) => findCondition(vmi.status?.conditions, type));
    const refused = changes.find((condition) => condition?.status === 'False' && condition.message);
    if (refused) return failed(refused.message ?? '', 'Restart the machine to give it its new size.');
    const { cpu, memory } = vm.spec.template.spec.domain;
    const arrived = (cpu?.sockets ?? 1) === (vmi.spec.domain.cpu?.sockets ?? 1) && memory?.guest === vmi.spec.domain.memory?.guest;
    if (arrived && changes.every((condition) => condition?.status !== 'True')) return done();
    return going('The cluster is giving it more while it runs.');
  },
};

export const deletion: TaskDefinition = {
  watches: [virtualMachines, virtualMachineInstances],
  keeps: ({ subject }) => subject !== undefined,
  stand: async (entry, look) => {
    const vm = await look.get(virtualMachines, entry.machine.name);
    const gone = !vm || (entry.machineUid !== undefined && vm.metadata.uid !== entry.machineUid);
    if (gone) return done(entry.subject === undefined ? undefined : `Kept: ${entry.subject}.`);
    const vmi = await look.get(virtualMachineInstances, entry.machine.name);
    return going(vmi ? 'The guest is being turned off.' : 'What belongs to it is being removed.');
  },
};

/** Changing when a machine runs. */
import type { RunStrategy, VirtualMachine } from '#shared/kube/kubevirt.ts';
import type { Resources } from '../../store/resources.ts';
import { virtualMachines } from '../definitions/virtual-machine.ts';

/** Changes the field that the machine says it with: `runStrategy`, or the older `running`. */
export function setRunStrategy(resources: Resources, vm: VirtualMachine, strategy: RunStrategy): void {
  resources.change(virtualMachines, vm.metadata.namespace, vm.metadata.name ?? '', (draft) => {
    if (draft.spec.running !== undefined) draft.spec.running = strategy === 'Always';
    else draft.spec.runStrategy = strategy;
  });
}

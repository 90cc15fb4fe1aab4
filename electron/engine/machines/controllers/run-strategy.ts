/** Changing when a machine runs. */
import type { RunStrategy, VirtualMachine } from '#shared/kube/kubevirt.ts';
import type { ChangeOptions, Resources } from '../../store/resources.ts';
import { virtualMachines } from '../definitions/virtual-machine.ts';

/** Changes the field that the machine says it with: `runStrategy`, or the older `running`. */
export function setRunStrategy(resources: Resources, vm: VirtualMachine, strategy: RunStrategy, options?: ChangeOptions): void {
  const edit = (draft: VirtualMachine): void => {
    if (draft.spec.running !== undefined) draft.spec.running = strategy === 'Always';
    else draft.spec.runStrategy = strategy;
  };
  resources.change(virtualMachines, vm.metadata.namespace, vm.metadata.name ?? '', edit, options);
}

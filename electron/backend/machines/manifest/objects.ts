/** All objects that a request for a machine stands for. */
import type { MachineFromSnapshot, MachineRequest, NewMachine } from '#shared/contract/new-machine.ts';
import type { VirtualMachineClone } from '#shared/kube/clone.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import { cloudInitOf } from './cloud-init.ts';
import { machineManifest } from './machine.ts';
import { forwardsOf } from './networks.ts';

export const isCopy = (request: MachineRequest): request is MachineFromSnapshot => request.make === 'copy';

/** @returns in the order in which they are to be made: what a machine names comes before it */
export function objectsOf(request: MachineRequest): KubeObject[] {
  return isCopy(request) ? [cloneOf(request)] : partsOf(request);
}

function partsOf(form: NewMachine): KubeObject[] {
  return [cloudInitOf(form).secret, machineManifest(form), forwardsOf(form)].filter((object) => object !== undefined);
}

function cloneOf({ name, namespace, snapshot }: MachineFromSnapshot): VirtualMachineClone {
  return {
    apiVersion: 'clone.kubevirt.io/v1beta1',
    kind: 'VirtualMachineClone',
    metadata: { name: `${name.slice(0, 50)}-from-snapshot`, namespace },
    spec: {
      source: { apiGroup: 'snapshot.kubevirt.io', kind: 'VirtualMachineSnapshot', name: snapshot },
      target: { apiGroup: 'kubevirt.io', kind: 'VirtualMachine', name },
    },
  };
}

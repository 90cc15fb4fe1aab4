/** Finds a machine's objects among what is known of a cluster. */
import type { DataVolume } from '#shared/kube/cdi.ts';
import type { VirtualMachine, VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import type { ClusterConnection } from '../clusters/connection.ts';
import { dataVolumes, virtualMachineInstances, virtualMachines } from '../clusters/kinds.ts';
import { ingredient } from '../topics/derived.ts';
import { coresOf, memoryOf, type MachineObjects } from './machine-row.ts';
import { typeSize } from './type-sizes.ts';

/** The machine that an object belongs to, as a key, or none. */
export function owningMachines(object: KubeObject): string[] {
  return (object.metadata.ownerReferences ?? [])
    .filter((owner) => owner.kind === 'VirtualMachine')
    .map((owner) => `${object.metadata.namespace ?? ''}/${owner.name}`);
}

/** What a machine's row is made of. An instance has its machine's name. */
export const machineIngredients = [
  ingredient(virtualMachines),
  ingredient(virtualMachineInstances),
  ingredient(dataVolumes, owningMachines),
];

/** @returns undefined when there is no such machine */
export function machineObjects(cluster: ClusterConnection, key: string): MachineObjects | undefined {
  const vm = cluster.cache(virtualMachines).objects.get(key);
  if (!vm) return undefined;
  const vmi = cluster.cache(virtualMachineInstances).objects.get(key);
  const size = sizeOf(cluster, vm, vmi);
  return { vm, vmi, volumes: ownVolumes(cluster, vm), ...(size ? { size } : {}) };
}

/** While it runs, its instance tells what it got from its type. */
function sizeOf(cluster: ClusterConnection, vm: VirtualMachine, vmi: VirtualMachineInstance | undefined): MachineObjects['size'] {
  if (!vm.spec.instancetype) return undefined;
  return vmi ? { cores: coresOf(vmi.spec.domain), memoryBytes: memoryOf(vmi.spec.domain) } : typeSize(cluster, vm);
}

function ownVolumes(cluster: ClusterConnection, vm: VirtualMachine): DataVolume[] {
  const { objects } = cluster.cache(dataVolumes);
  const names = (vm.spec.dataVolumeTemplates ?? []).map((template) => template.metadata.name ?? '');
  return names.flatMap((name) => objects.get(`${vm.metadata.namespace ?? ''}/${name}`) ?? []);
}

/** Which running machines have a claim open. */
import type { VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import type { Key } from '../controller.ts';
import { virtualMachineInstances } from '../machines/definitions/virtual-machine-instance.ts';
import type { Resources } from '../store/resources.ts';

export interface MachineUse {
  name: string;
  /** False for discs and read-only disks: they do not change while they are used. */
  writes: boolean;
}

/** The machines that have the claim open now. */
export function machinesUsing(resources: Resources, namespace: string | undefined, claimName: string): MachineUse[] {
  const options = namespace === undefined ? {} : { namespace };
  return resources.list(virtualMachineInstances, options).flatMap((vmi) => {
    if (vmi.status?.phase === 'Succeeded' || vmi.status?.phase === 'Failed') return [];
    const volumes = (vmi.spec.volumes ?? []).filter((volume) => claimOf(volume) === claimName);
    if (volumes.length === 0) return [];
    const names = new Set(volumes.map(({ name }) => name));
    const disks = (vmi.spec.domain.devices.disks ?? []).filter(({ name }) => names.has(name));
    const writes = disks.some(({ cdrom, disk }) => cdrom === undefined && disk?.readonly !== true);
    return [{ name: vmi.metadata.name ?? '', writes }];
  });
}

/** The claims that a machine has open. */
export function claimsOf(vmi: VirtualMachineInstance): Key[] {
  return (vmi.spec.volumes ?? []).flatMap((volume) => {
    const name = claimOf(volume);
    return name === undefined ? [] : [{ namespace: vmi.metadata.namespace, name }];
  });
}

type Volume = NonNullable<VirtualMachineInstance['spec']['volumes']>[number];

const claimOf = (volume: Volume): string | undefined => volume.dataVolume?.name ?? volume.persistentVolumeClaim?.claimName;

/** Whether `owner` made this object and answers for it. */
export const isControlledBy = (object: KubeObject, owner: KubeObject): boolean =>
  object.metadata.ownerReferences?.some(({ uid, controller }) => controller === true && uid === owner.metadata.uid) ?? false;

/** Which running machines have a claim open. */
import type { VirtualMachineInstance, Volume } from '#shared/kube/kubevirt.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import type { Key } from '../controller.ts';
import { virtualMachineInstances } from '../machines/definitions/virtual-machine-instance.ts';
import type { Resources } from '../store/resources.ts';

export interface MachineUse {
  name: string;
  /** False for discs and read-only disks: they do not change while they are used. */
  writes: boolean;
}

/** The machines that have the claim open now: one that is being taken out of a guest is so until the guest lets go. */
export function machinesUsing(resources: Resources, namespace: string | undefined, claimName: string): MachineUse[] {
  const options = namespace === undefined ? {} : { namespace };
  return resources.list(virtualMachineInstances, options).flatMap((vmi) => {
    if (vmi.status?.phase === 'Succeeded' || vmi.status?.phase === 'Failed') return [];
    const volumes = (vmi.spec.volumes ?? []).filter((volume) => claimNameOf(volume) === claimName);
    const leaving = (vmi.status?.volumeStatus ?? []).some(
      ({ hotplugVolume, persistentVolumeClaimInfo: info }) => hotplugVolume !== undefined && info?.claimName === claimName,
    );
    if (volumes.length === 0) return leaving ? [{ name: vmi.metadata.name ?? '', writes: true }] : [];
    const names = new Set(volumes.map(({ name }) => name));
    const disks = (vmi.spec.domain.devices.disks ?? []).filter(({ name }) => names.has(name));
    const writes = disks.some(({ cdrom, disk }) => cdrom === undefined && disk?.readonly !== true);
    return [{ name: vmi.metadata.name ?? '', writes }];
  });
}

/** The claims that a machine has open. */
export function claimsOf(vmi: VirtualMachineInstance): Key[] {
  const named = (vmi.spec.volumes ?? []).map(claimNameOf);
  const told = (vmi.status?.volumeStatus ?? []).map((status) => status.persistentVolumeClaimInfo?.claimName);
  return [...new Set([...named, ...told])].flatMap((name) => (name === undefined ? [] : [{ namespace: vmi.metadata.namespace, name }]));
}

/** The claim behind a volume, if it has one. */
export const claimNameOf = (volume: Volume): string | undefined => volume.dataVolume?.name ?? volume.persistentVolumeClaim?.claimName;

/** Whether `owner` made this object and answers for it. */
export const isControlledBy = (object: KubeObject, owner: KubeObject): boolean =>
  object.metadata.ownerReferences?.some(({ uid, controller }) => controller === true && uid === owner.metadata.uid) ?? false;

/** What the subresources addvolume and removevolume ask for, applied to a spec. Pure. */
import type { Disk, Volume, VirtualMachineInstanceSpec } from '#shared/kube/kubevirt.ts';
import { claimNameOf } from '../../disks/machine-use.ts';
import { isHotpluggable } from '../../qemu/hotplug/hotpluggable.ts';

/** KubeVirt's AddVolumeOptions. */
export interface AddVolumeOptions {
  name: string;
  disk: Disk;
  volumeSource: Pick<Volume, 'dataVolume' | 'persistentVolumeClaim'>;
  dryRun?: string[];
}

/** KubeVirt's RemoveVolumeOptions. */
export interface RemoveVolumeOptions {
  name: string;
  dryRun?: string[];
}

/** @returns why it cannot be added, in KubeVirt's words (pkg/virt-api/rest/volumes.go) */
export function whyNotAdd({ volumes = [] }: VirtualMachineInstanceSpec, options: AddVolumeOptions): string | undefined {
  const claim = claimNameOf({ name: '', ...options.volumeSource });
  if (volumes.some(({ name }) => name === options.name)) {
    return `Unable to add volume [${options.name}] because volume with that name already exists`;
  }
  if (volumes.some((volume) => claimNameOf(volume) === claim)) return `Unable to add volume source [${claim ?? ''}] because it already exists`;
  return undefined;
}

/** The volume named, by its own name or its source's. */
const named = ({ volumes = [] }: VirtualMachineInstanceSpec, name: string): Volume | undefined =>
  volumes.find((volume) => volume.name === name) ?? volumes.find((volume) => claimNameOf(volume) === name);

/** @returns why it cannot be removed, in KubeVirt's words */
export function whyNotRemove(spec: VirtualMachineInstanceSpec, { name }: RemoveVolumeOptions): string | undefined {
  const found = named(spec, name);
  if (!found) return `Unable to remove volume [${name}] because it does not exist`;
  return isHotpluggable(found) ? undefined : `Unable to remove volume [${found.name}] because it is not hotpluggable`;
}

/** A disk that names no bus comes on SCSI, as with KubeVirt's own command-line client. */
export function addVolume(spec: VirtualMachineInstanceSpec, { name, disk, volumeSource }: AddVolumeOptions): void {
  const { dataVolume, persistentVolumeClaim } = volumeSource;
  const target: Disk = { ...disk, name };
  if (!target.cdrom) target.disk = { ...target.disk, bus: target.disk?.bus ?? 'scsi' };
  const { devices } = spec.domain;
  devices.disks = [...(devices.disks ?? []), target];
  spec.volumes = [
    ...(spec.volumes ?? []),
    {
      name,
      ...(dataVolume ? { dataVolume: { ...dataVolume, hotpluggable: true } } : {}),
      ...(persistentVolumeClaim ? { persistentVolumeClaim: { ...persistentVolumeClaim, hotpluggable: true } } : {}),
    },
  ];
}

export function removeVolume(spec: VirtualMachineInstanceSpec, options: RemoveVolumeOptions): void {
  const name = named(spec, options.name)?.name;
  const { devices } = spec.domain;
  // A CD drive stays; only its medium goes.
  if (devices.disks) devices.disks = devices.disks.filter((disk) => disk.name !== name || disk.cdrom !== undefined);
  spec.volumes = (spec.volumes ?? []).filter((volume) => volume.name !== name);
}

/** Which disks of a machine may come and go while it runs. */
import type { Volume, VirtualMachineInstanceSpec } from '#shared/kube/kubevirt.ts';

export const isHotpluggable = ({ dataVolume, persistentVolumeClaim }: Volume): boolean =>
  dataVolume?.hotpluggable === true || persistentVolumeClaim?.hotpluggable === true;

/** Names of the disks whose volumes are plugged in after the start. CD drives stay; theirs is but a medium. */
export function hotpluggedNames({ domain, volumes = [] }: VirtualMachineInstanceSpec): ReadonlySet<string> {
  const drives = new Set((domain.devices.disks ?? []).filter(({ cdrom }) => cdrom !== undefined).map(({ name }) => name));
  return new Set(volumes.filter((volume) => isHotpluggable(volume) && !drives.has(volume.name)).map(({ name }) => name));
}

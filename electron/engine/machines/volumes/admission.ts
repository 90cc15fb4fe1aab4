/** Which disks may come and go while a machine runs. KubeVirt's rules: pkg/storage/admitters/storagehotplug.go. */
import type { VirtualMachineInstanceSpec } from '#shared/kube/kubevirt.ts';
import type { StatusCause } from '#shared/kube/object.ts';
import { busOf } from '../../qemu/argv/disks.ts';
import { isHotpluggable } from '../../qemu/hotplug/hotpluggable.ts';

/** @param path of the spec within its object */
export function checkHotplug({ domain, volumes = [] }: VirtualMachineInstanceSpec, path: string): StatusCause[] {
  const { disks = [], disableHotplug } = domain.devices;
  return volumes.flatMap((volume, index): StatusCause[] => {
    const at = disks.findIndex(({ name }) => name === volume.name);
    const disk = disks[at];
    if (disk === undefined) return [];
    const bus = busOf(disk);
    if (bus === 'sata' && disk.cdrom === undefined && volume.persistentVolumeClaim?.readOnly === true) {
      return [fault(`${path}.volumes[${index}].persistentVolumeClaim.readOnly`, 'a SATA disk is always written to: use virtio or scsi, or a cdrom')];
    }
    if (!isHotpluggable(volume)) return [];
    if (disk.cdrom) {
      if (bus === 'sata' || bus === 'scsi') return [];
      return [fault(`${path}.domain.devices.disks[${at}].cdrom.bus`, 'the medium of a CD drive can be changed on sata or scsi')];
    }
    if (disableHotplug === true) {
      return [fault(`${path}.volumes[${index}]`, 'it is hotpluggable, and domain.devices.disableHotplug keeps no place for it')];
    }
    if (bus === 'scsi' || bus === 'virtio') return [];
    const message = `Hotplug configuration for disk [${disk.name}] requires bus to be 'scsi' or 'virtio'. [${bus}] is not permitted.`;
    return [fault(`${path}.domain.devices.disks[${at}].disk.bus`, message)];
  });
}

const fault = (field: string, message: string): StatusCause => ({ reason: 'FieldValueInvalid', field, message });

/** Which parts of a machine go together. KubeVirt's rules: its vmi-create-admitter (virt-api). */
import type { Disk, VirtualMachineInstanceSpec } from '#shared/kube/kubevirt.ts';
import type { StatusCause } from '#shared/kube/object.ts';
import { busOf } from '../qemu/argv/disks.ts';
import { isHotpluggable } from '../qemu/hotplug/hotpluggable.ts';

const fault = (field: string, message: string): StatusCause => ({ reason: 'FieldValueInvalid', field, message });

/** What QEMU takes as a sector. */
const largestBlockBytes = 2 ** 21;
const isBlockSize = (bytes: number): boolean => bytes >= 512 && bytes <= largestBlockBytes && (bytes & (bytes - 1)) === 0;

/** @param path of the spec within its object */
export function checkDevices({ domain, volumes = [] }: VirtualMachineInstanceSpec, path: string): StatusCause[] {
  const { disks = [], inputs = [], video, watchdog, autoattachGraphicsDevice } = domain.devices;
  const at = `${path}.domain.devices`;
  const causes = disks.flatMap((disk, index) => {
    const comesLater = volumes.some((volume) => volume.name === disk.name && isHotpluggable(volume));
    return checkDisk(disk, comesLater, `${at}.disks[${index}]`);
  });
  if (video && autoattachGraphicsDevice === false) {
    causes.push(fault(`${at}.video`, 'there is no screen: autoattachGraphicsDevice is false'));
  }
  inputs.forEach(({ name }, index) => {
    if (inputs.findIndex((other) => other.name === name) !== index) causes.push(fault(`${at}.inputs[${index}].name`, `"${name}" is there twice`));
  });
  if (watchdog && !watchdog.i6300esb) causes.push(fault(`${at}.watchdog`, 'it needs a model: i6300esb'));
  return causes;
}

function checkDisk(disk: Disk, comesLater: boolean, at: string): StatusCause[] {
  const causes: StatusCause[] = [];
  const bus = busOf(disk);
  // QEMU's emulation of such a disk knows no write protection; libvirt's says the same.
  if (disk.disk?.readonly === true && bus === 'sata') causes.push(fault(`${at}.disk.readonly`, 'a SATA disk is always written to: use virtio, scsi or usb, or a cdrom'));
  if (disk.cdrom?.tray === 'open' && comesLater) causes.push(fault(`${at}.cdrom.tray`, 'a medium that can be changed while the machine runs comes with the tray closed'));
  // The driver of a SCSI bus resets its drives, by which QEMU closes their trays.
  if (disk.cdrom?.tray === 'open' && bus !== 'sata') causes.push(fault(`${at}.cdrom.tray`, `a drive on ${bus} begins with its tray closed: use sata`));
  if (disk.cdrom?.readonly === false) causes.push(fault(`${at}.cdrom.readonly`, 'a CD cannot be written'));
  if (disk.io === 'native' && disk.cache !== 'none') {
    causes.push(fault(`${at}.io`, 'native reads and writes past the host’s cache: it needs cache none'));
  }
  if (disk.dedicatedIOThread === true && (bus !== 'virtio' || comesLater)) {
    const what = comesLater ? 'disks that come while the machine runs' : `disks on a ${bus} bus`;
    causes.push(fault(`${at}.dedicatedIOThread`, `IOThreads are not supported for ${what}`));
  }
  const { custom } = disk.blockSize ?? {};
  if (!custom) return causes;
  const sizes = `${at}.blockSize.custom`;
  if (disk.cdrom) causes.push(fault(sizes, 'the sectors of a CD are as they are'));
  for (const size of ['logical', 'physical'] as const) {
    if (!isBlockSize(custom[size])) causes.push(fault(`${sizes}.${size}`, `${custom[size]} is not a power of two from 512 to ${largestBlockBytes}`));
  }
  if (custom.logical > custom.physical) causes.push(fault(`${sizes}.logical`, `Logical size ${custom.logical} must be the same or less than the physical size of ${custom.physical}`));
  if (bus === 'sata' && custom.logical !== 512) causes.push(fault(`${sizes}.logical`, 'disks on sata have logical sectors of 512 bytes'));
  return causes;
}

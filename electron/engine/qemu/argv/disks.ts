/** Disks and CD drives as QEMU's arguments. */
import { createHash } from 'node:crypto';
import type { Disk, DiskBus, VirtualMachineInstanceSpec } from '#shared/kube/kubevirt.ts';
import type { DiskFile } from '../../disks/types.ts';
import { option } from './options.ts';

/** Ports of one AHCI controller. */
const portsPerSataController = 6;

/**
 * @param bootIndexes by disk name
 * @returns the controllers that are needed, then a block device and a drive for each disk, in the spec's order
 */
export function diskArguments(
  spec: VirtualMachineInstanceSpec,
  volumes: ReadonlyMap<string, DiskFile>,
  bootIndexes: ReadonlyMap<string, number>,
): string[] {
  const disks = spec.domain.devices.disks ?? [];
  const sata = disks.filter((disk) => busOf(disk) === 'sata');
  const args: string[] = [];
  for (let controller = 0; controller * portsPerSataController < sata.length; controller++) {
    args.push('-device', option('ich9-ahci', { id: `sata${controller}` }));
  }
  if (disks.some((disk) => busOf(disk) === 'scsi')) args.push('-device', option('virtio-scsi-pci', { id: 'scsi0' }));
  for (const disk of disks) {
    const file = volumes.get(disk.name);
    if (file) args.push('-blockdev', JSON.stringify(blockDevice(disk, file)));
    args.push('-device', drive(disk, file !== undefined, sata.indexOf(disk), bootIndexes.get(disk.name)));
  }
  return args;
}

/** KubeVirt's defaults: disks on virtio, CDs on SATA. */
export function busOf(disk: Disk): DiskBus {
  return disk.cdrom ? (disk.cdrom.bus ?? 'sata') : (disk.disk?.bus ?? 'virtio');
}

function blockDevice(disk: Disk, file: DiskFile): Record<string, unknown> {
  const readOnly = disk.cdrom !== undefined || disk.disk?.readonly === true;
  const cache = { direct: disk.cache === 'none', 'no-flush': false };
  return {
    driver: file.format,
    'node-name': nodeName(disk),
    'read-only': readOnly,
    cache,
    ...(readOnly ? {} : { discard: 'unmap', 'detect-zeroes': 'unmap' }),
    file: { driver: 'file', filename: file.path, cache, ...(readOnly ? {} : { discard: 'unmap' }) },
  };
}

/** QEMU's node names are at most 31 characters; a disk's name may be 63. The devices keep the name whole. */
const nodeName = (disk: Disk): string => `d-${createHash('sha256').update(disk.name).digest('hex').slice(0, 16)}`;

function drive(disk: Disk, hasMedium: boolean, sataIndex: number, bootindex: number | undefined): string {
  const bus = busOf(disk);
  const common = {
    id: `disk-${disk.name}`,
    drive: hasMedium ? nodeName(disk) : undefined,
    bootindex,
    serial: disk.serial,
    // The guest sees whether writes are cached, and flushes when it must; writethrough spares it that.
    'write-cache': disk.cdrom ? undefined : disk.cache !== 'writethrough',
  };
  switch (bus) {
    case 'virtio':
      return option('virtio-blk-pci', common);
    case 'scsi':
      return option(disk.cdrom ? 'scsi-cd' : 'scsi-hd', { ...common, bus: 'scsi0.0' });
    case 'usb':
      return option('usb-storage', { ...common, 'write-cache': undefined, bus: 'usb0.0', removable: true });
    case 'sata':
      return option(disk.cdrom ? 'ide-cd' : 'ide-hd', { ...common, bus: sataPort(sataIndex) });
  }
}

function sataPort(index: number): string {
  return `sata${Math.floor(index / portsPerSataController)}.${index % portsPerSataController}`;
}

/** Disks and CD drives as QEMU's arguments. */
import { createHash } from 'node:crypto';
import type { Disk, DiskBus, VirtualMachineInstanceSpec } from '#shared/kube/kubevirt.ts';
import type { DiskFile } from '../../disks/types.ts';
import { hotpluggedNames } from '../hotplug/hotpluggable.ts';
import { hotplugArguments } from '../hotplug/slots.ts';
import { cpuCount } from './cpu.ts';
import { ioThreads } from './io-threads.ts';
import { option } from './options.ts';

/** Ports of one AHCI controller. */
const portsPerSataController = 6;

/**
 * Disks that may come and go are not among them: they are plugged in once the guest runs.
 * @param bootIndexes by disk name
 * @returns the controllers that are needed, then a block device and a drive for each disk, in the spec's order
 */
export function diskArguments(
  spec: VirtualMachineInstanceSpec,
  volumes: ReadonlyMap<string, DiskFile>,
  bootIndexes: ReadonlyMap<string, number>,
): string[] {
  const later = hotpluggedNames(spec);
  const disks = (spec.domain.devices.disks ?? []).filter(({ name }) => !later.has(name));
  const sata = disks.filter((disk) => busOf(disk) === 'sata');
  const args: string[] = [];
  for (let controller = 0; controller * portsPerSataController < sata.length; controller++) {
    args.push('-device', option('ich9-ahci', { id: `sata${controller}` }));
  }
  args.push(...hotplugArguments(spec.domain, disks.some((disk) => busOf(disk) === 'scsi')));
  const cpus = cpuCount(spec.domain);
  const threads = ioThreads(spec.domain, disks.filter((disk) => busOf(disk) === 'virtio'), cpus);
  for (const id of new Set(threads.values())) args.push('-object', option('iothread', { id }));
  const queues = spec.domain.devices.blockMultiQueue;
  for (const disk of disks) {
    const file = volumes.get(disk.name);
    if (file) args.push('-blockdev', JSON.stringify(blockDevice(disk, file)));
    const { driver, ...properties } = drive(disk, file !== undefined && !hasOpenTray(disk), sata.indexOf(disk), bootIndexes.get(disk.name));
    const onVirtio = {
      iothread: threads.get(disk.name),
      'num-queues': queues === undefined ? undefined : queues ? cpus : 1,
    };
    args.push('-device', option(driver, { ...properties, ...(busOf(disk) === 'virtio' ? onVirtio : {}) }));
  }
  return args;
}

/** Its medium is laid in when the guest runs, see machines/volumes/open-tray.ts. */
export const hasOpenTray = ({ cdrom }: Disk): boolean => cdrom?.tray === 'open';

/** KubeVirt's defaults: disks on virtio, CDs on SATA. */
export function busOf(disk: Disk): DiskBus {
  return disk.cdrom ? (disk.cdrom.bus ?? 'sata') : (disk.disk?.bus ?? 'virtio');
}

/** A disk's file as QEMU's BlockdevOptions: what `-blockdev` and QMP's `blockdev-add` take. */
export function blockDevice(disk: Disk, file: DiskFile): Record<string, unknown> {
  const readOnly = disk.cdrom !== undefined || disk.disk?.readonly === true || file.readOnly === true;
  const cache = { direct: disk.cache === 'none', 'no-flush': false };
  return {
    driver: file.format,
    'node-name': nodeName(disk.name),
    'read-only': readOnly,
    cache,
    ...(readOnly ? {} : { discard: 'unmap', 'detect-zeroes': 'unmap' }),
    file: { driver: 'file', filename: file.path, cache, ...(disk.io === 'native' || disk.io === 'threads' ? { aio: disk.io } : {}), ...(readOnly ? {} : { discard: 'unmap' }) },
  };
}

/** QEMU's node names are at most 31 characters; a disk's name may be 63. The devices keep the name whole. */
export const nodeName = (diskName: string): string =>
  `d-${createHash('sha256').update(diskName).digest('hex').slice(0, 16)}`;

/** Id of the device that the guest sees a disk as. */
export const deviceId = (diskName: string): string => `disk-${diskName}`;

/** A drive's driver and properties: what `-device` and QMP's `device_add` take. */
export type Drive = { driver: string } & Record<string, string | number | boolean | undefined>;

export function drive(disk: Disk, hasMedium: boolean, sataIndex: number, bootindex: number | undefined): Drive {
  const bus = busOf(disk);
  const common = {
    id: deviceId(disk.name),
    drive: hasMedium ? nodeName(disk.name) : undefined,
    bootindex,
    serial: disk.serial,
    ...errorPolicy(disk),
    ...blockSize(disk),
    // The guest sees whether writes are cached, and flushes when it must; writethrough spares it that.
    'write-cache': disk.cdrom ? undefined : disk.cache === 'writethrough' ? 'off' : 'on',
  };
  switch (bus) {
    case 'virtio':
      return { driver: 'virtio-blk-pci', ...common };
    case 'scsi':
      return { driver: disk.cdrom ? 'scsi-cd' : 'scsi-hd', ...common, bus: 'scsi0.0' };
    case 'usb':
      return { driver: 'usb-storage', ...common, 'write-cache': undefined, bus: 'usb0.0', removable: true };
    case 'sata':
      return { driver: disk.cdrom ? 'ide-cd' : 'ide-hd', ...common, bus: sataPort(sataIndex) };
  }
}

/** QEMU's `werror` and `rerror`. Left alone, a full disk stops the guest, and other errors are told to it. */
function errorPolicy({ errorPolicy: policy }: Disk): Partial<Drive> {
  if (policy === undefined) return {};
  return policy === 'enospace' ? { werror: 'enospc', rerror: 'report' } : { werror: policy, rerror: policy };
}

function blockSize({ blockSize: sizes }: Disk): Partial<Drive> {
  if (!sizes?.custom) return {};
  const { logical, physical, discardGranularity } = sizes.custom;
  return { logical_block_size: logical, physical_block_size: physical, discard_granularity: discardGranularity };
}

function sataPort(index: number): string {
  return `sata${Math.floor(index / portsPerSataController)}.${index % portsPerSataController}`;
}

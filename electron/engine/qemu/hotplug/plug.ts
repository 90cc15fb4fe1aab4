/** Plugging disks into a running guest and out of it, and changing the medium in a CD drive. */
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import type { Disk, DomainSpec } from '#shared/kube/kubevirt.ts';
import type { DiskFile } from '../../disks/types.ts';
import { blockDevice, busOf, deviceId, drive, nodeName } from '../argv/disks.ts';
import { QmpError } from '../qmp.ts';
import type { Monitor } from '../types.ts';
import type { Drives } from './drives.ts';
import { freePort, hasPciExpress, type PciBus } from './slots.ts';

/**
 * Gives the guest the disk. Whatever an engine that died in the middle has left of it is taken up.
 * @throws HayloftError in QEMU's words; nothing half plugged is left then
 */
export async function plug(monitor: Monitor, disk: Disk, file: DiskFile, domain: DomainSpec, drives: Drives): Promise<void> {
  const node = nodeName(disk.name);
  // One that no drive has may be another file's.
  for (const name of drives.nodesOf(node)) await monitor.command('blockdev-del', { 'node-name': name });
  try {
    await monitor.command('blockdev-add', blockDevice(disk, file));
  } catch (error) {
    throw refused(disk, error);
  }
  try {
    if (disk.cdrom) await insert(monitor, disk.name, node);
    else await monitor.command('device_add', await device(monitor, disk, domain));
  } catch (error) {
    await monitor.command('blockdev-del', { 'node-name': node });
    throw refused(disk, error);
  }
}

async function device(monitor: Monitor, disk: Disk, domain: DomainSpec): Promise<Record<string, unknown>> {
  const properties = drive(disk, true, 0, undefined);
  if (busOf(disk) !== 'virtio' || !hasPciExpress(domain)) return properties;
  const port = freePort((await monitor.command('query-pci')) as PciBus[]);
  if (port === undefined) {
    throw new HayloftError('conflict', 'All places for virtio disks are taken.', {
      hint: 'Take another virtio disk out first, or put this one on the bus scsi, which has room for 255.',
    });
  }
  return { ...properties, bus: port };
}

async function insert(monitor: Monitor, diskName: string, node: string): Promise<void> {
  const id = deviceId(diskName);
  await monitor.command('blockdev-open-tray', { id, force: true });
  await monitor.command('blockdev-insert-medium', { id, 'node-name': node });
  await monitor.command('blockdev-close-tray', { id });
}

/**
 * Takes the disk out. SCSI disks and CDs go at once; for a PCI card the guest is asked, and may take its time or not
 * answer at all: then this is called again.
 * @returns whether it is out, its file closed
 */
export async function unplug(monitor: Monitor, diskName: string, isDisc: boolean, drives: Drives): Promise<boolean> {
  const node = nodeName(diskName);
  const found = drives.of(diskName);
  const id = deviceId(diskName);
  if (isDisc) {
    if (found?.node !== undefined) {
      // A guest that has it mounted keeps the door locked, and would do so until somebody logs in.
      await monitor.command('blockdev-open-tray', { id, force: true });
      await monitor.command('blockdev-remove-medium', { id });
      await monitor.command('blockdev-close-tray', { id });
    }
  } else if (found) {
    await askOut(monitor, id);
    return false;
  }
  for (const name of drives.nodesOf(node)) await monitor.command('blockdev-del', { 'node-name': name });
  return true;
}

/** The end comes as the event DEVICE_DELETED. */
async function askOut(monitor: Monitor, id: string): Promise<void> {
  try {
    await monitor.command('device_del', { id });
  } catch (error) {
    // Gone meanwhile, or asked already.
    if (error instanceof QmpError && (error.class === 'DeviceNotFound' || /in the process of unplug/.test(error.message))) return;
    throw error;
  }
}

function refused(disk: Disk, error: unknown): unknown {
  if (!(error instanceof QmpError)) return error;
  if (/Failed to get "?(shared )?"?(write|consistent read)"? lock/i.test(error.message)) {
    return new HayloftError('conflict', `The disk "${disk.name}" is in use by another machine (QEMU: ${error.message}).`, {
      hint: 'Stop the other machine, or take the disk out of it.',
      retryable: true,
    });
  }
  return new HayloftError('internal', `QEMU could not plug in the disk "${disk.name}": ${error.message}`, { retryable: true });
}

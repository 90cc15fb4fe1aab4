/** CD drives that begin with their tray open: QEMU starts them empty and closed, and the medium is laid in afterwards. */
import type { Disk, VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { deviceId, hasOpenTray, nodeName } from '../../qemu/argv/disks.ts';
import { drivesOf } from '../../qemu/hotplug/drives.ts';
import type { Guest } from '../../qemu/types.ts';

const withOpenTray = ({ spec }: VirtualMachineInstance): Disk[] => (spec.domain.devices.disks ?? []).filter(hasOpenTray);

export const startsWithOpenTray = (vmi: VirtualMachineInstance): boolean => withOpenTray(vmi).length > 0;

/** Whatever the guest has done with its tray since is left as it is: only a medium that no drive has yet is laid in. */
export async function fillOpenTrays(vmi: VirtualMachineInstance, { monitor }: Guest): Promise<void> {
  const drives = await drivesOf(monitor);
  for (const { name } of withOpenTray(vmi)) {
    const id = deviceId(name);
    const drive = drives.of(name);
    if (drive === undefined || drive.node !== undefined) continue;
    if (!drive.trayOpen) await monitor.command('blockdev-open-tray', { id, force: true });
    if (drives.hasNode(nodeName(name))) await monitor.command('blockdev-insert-medium', { id, 'node-name': nodeName(name) });
  }
}

/** Disks that become larger while a guest has them open: QEMU does it, and tells the guest. */
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import type { EngineContext } from '../../context.ts';
import { claimNameOf } from '../../disks/machine-use.ts';
import type { GrowOpenDisk } from '../../disks/types.ts';
import { nodeName } from '../../qemu/argv/disks.ts';
import { drivesOf } from '../../qemu/hotplug/drives.ts';
import { QmpError } from '../../qemu/qmp.ts';
import { virtualMachineInstances } from '../definitions/virtual-machine-instance.ts';
import type { Guests } from '../guests.ts';

/** @returns finds the guest that has the claim's disk, and has its QEMU make it larger */
export function growOpenDisk(context: () => EngineContext, guests: Guests): GrowOpenDisk {
  return async (namespace, claimName, bytes) => {
    for (const vmi of context().resources.list(virtualMachineInstances, { namespace })) {
      const volume = vmi.spec.volumes?.find((candidate) => claimNameOf(candidate) === claimName);
      const guest = guests.get(vmi.metadata.uid);
      if (volume === undefined || guest === undefined) continue;
      // What the guest writes to: the disk itself is below it, and held fast, once a snapshot was taken.
      const [node] = (await drivesOf(guest.monitor)).nodesOf(nodeName(volume.name));
      if (node === undefined) continue;
      try {
        await guest.monitor.command('block_resize', { 'node-name': node, size: bytes });
      } catch (error) {
        if (!(error instanceof QmpError)) throw error;
        throw new HayloftError('conflict', `The machine "${vmi.metadata.name ?? ''}" cannot take a larger disk "${volume.name}" now (QEMU: ${error.message}).`, {
          hint: 'It is tried again by itself; it works in any case while the machine is stopped.',
          retryable: true,
          cause: error,
        });
      }
      return true;
    }
    return false;
  };
}

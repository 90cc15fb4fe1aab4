/** Guests that QEMU stopped because the host's disk was full: which disk it was, and going on when there is room again. */
import { dirname } from 'node:path';
import type { VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { sizeInWords } from '#shared/images/bytes.ts';
import { freeBytes } from '../../disks/files/space.ts';
import { fullDrives } from '../../qemu/hotplug/drives.ts';
import type { Guest } from '../../qemu/types.ts';

/** As much must be free before a guest may go on: less would be gone in a moment. */
const enoughBytes = 64 * 2 ** 20;
/** How often room is looked for, while such a guest exists. */
const lookEveryMs = 5000;

export interface FullDisk {
  /** What happened and what to do, for a person. */
  message: string;
  lookAgainMs: number;
}

/**
 * Looks at a guest that stands still after an I/O error, and lets it go on where that helps.
 * @returns undefined when it goes on, or when it is not for want of space that it stands still
 */
export async function waitForRoom(vmi: VirtualMachineInstance, guest: Guest): Promise<FullDisk | undefined> {
  const full = await fullDrives(guest.monitor);
  if (full.length === 0) return undefined;
  const free = await Promise.all(full.map(({ path }) => freeBytes(dirname(path))));
  const least = Math.min(...free);
  if (least >= enoughBytes) {
    await guest.resume();
    return undefined;
  }
  const [first] = full;
  const volumes = full.map(({ diskName }) => `"${diskName}"`).join(', ');
  return {
    message:
      `The host's disk is full: the volume ${volumes} of the machine "${vmi.metadata.name ?? ''}" cannot be written, so it is paused. ` +
      `Free at least ${sizeInWords(enoughBytes)} at ${dirname(first?.path ?? '')} (${sizeInWords(least)} are free); it then goes on by itself.`,
    lookAgainMs: lookEveryMs,
  };
}

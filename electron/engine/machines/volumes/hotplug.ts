/** Keeps the disks that come and go in step with the instance's spec: what QEMU has is looked at, never remembered. */
import type { Disk, Volume, VirtualMachineInstance, VolumeStatus } from '#shared/kube/kubevirt.ts';
import { asHayloftError } from '#shared/contract/hayloft-error.ts';
import type { EngineContext } from '../../context.ts';
import { claimNameOf } from '../../disks/machine-use.ts';
import type { DiskCatalog } from '../../disks/types.ts';
import { nodeName } from '../../qemu/argv/disks.ts';
import { drivesOf, type Drives } from '../../qemu/hotplug/drives.ts';
import { isHotpluggable } from '../../qemu/hotplug/hotpluggable.ts';
import { plug, unplug } from '../../qemu/hotplug/plug.ts';
import type { Guest, Monitor } from '../../qemu/types.ts';
import { asUsed } from './read-only.ts';

export interface HotplugParts {
  context: EngineContext;
  disks: DiskCatalog;
}

/** How a volume that comes and goes stands, by its name. */
export type HotplugStates = Map<string, Pick<VolumeStatus, 'phase' | 'reason' | 'message'>>;

export interface HotplugResult {
  states: HotplugStates;
  /** Something is under way that QEMU tells of by no event. */
  lookAgainMs?: number;
}

/** A guest that does not let go of a disk is asked again; a plug that failed is tried again. */
const againMs = 5000;

/** Whether anything of the instance comes or goes at all; most machines never ask QEMU. */
export const usesHotplug = ({ spec, status }: VirtualMachineInstance): boolean =>
  (spec.volumes ?? []).some(isHotpluggable) || (status?.volumeStatus ?? []).some(({ hotplugVolume }) => hotplugVolume !== undefined);

/** Plugs in what is wanted and there, takes out what is not wanted any more. */
export async function syncHotplug(parts: HotplugParts, vmi: VirtualMachineInstance, guest: Guest): Promise<HotplugResult> {
  const states: HotplugStates = new Map();
  if (!usesHotplug(vmi)) return { states };
  const { monitor } = guest;
  const drives = await drivesOf(monitor);
  const disks = vmi.spec.domain.devices.disks ?? [];
  const wanted = (vmi.spec.volumes ?? []).filter(isHotpluggable);
  for (const volume of wanted) {
    const disk = disks.find(({ name }) => name === volume.name);
    if (disk) states.set(volume.name, await bringIn(parts, vmi, { volume, disk }, monitor, drives));
  }
  for (const { name, hotplugVolume } of vmi.status?.volumeStatus ?? []) {
    if (hotplugVolume === undefined || wanted.some((volume) => volume.name === name)) continue;
    const isDisc = disks.some((disk) => disk.name === name && disk.cdrom !== undefined);
    if (await unplug(monitor, name, isDisc, drives)) {
      parts.context.events.record(vmi, 'Normal', 'VolumeUnplugged', `The volume ${name} was taken out of the machine.`);
    } else {
      states.set(name, { phase: 'Detaching', reason: 'VolumeDetaching', message: `The guest is asked to let go of the volume ${name}.` });
    }
  }
  const unfinished = [...states.values()].some(({ phase }) => phase === 'Detaching' || phase === 'Bound');
  return { states, ...(unfinished ? { lookAgainMs: againMs } : {}) };
}

async function bringIn(
  { context, disks }: HotplugParts,
  vmi: VirtualMachineInstance,
  { volume, disk }: { volume: Volume; disk: Disk },
  monitor: Monitor,
  drives: Drives,
): Promise<Pick<VolumeStatus, 'phase' | 'reason' | 'message'>> {
  const { name } = volume;
  if (drives.of(name)?.node === nodeName(name)) {
    return { phase: 'Ready', reason: 'VolumeReady', message: `The volume ${name} is plugged in.` };
  }
  const claim = claimNameOf(volume) ?? '';
  const found = disks.find(vmi.metadata.namespace ?? 'default', claim);
  if (found.state === 'missing') return { phase: 'Pending', reason: 'FailedPvcNotFound', message: `PVC ${claim} not found` };
  if (found.state === 'pending') return { phase: 'Pending', reason: 'PVCNotReady', message: found.message };
  try {
    await plug(monitor, disk, asUsed(volume, found.file), vmi.spec.domain, drives);
    context.events.record(vmi, 'Normal', 'VolumeReady', `The volume ${name} was plugged into the machine.`);
    return { phase: 'Ready', reason: 'VolumeReady', message: `The volume ${name} is plugged in.` };
  } catch (error) {
    const { message, hint = '' } = asHayloftError(error);
    const words = `${message} ${hint}`.trim();
    context.events.record(vmi, 'Warning', 'VolumePlugFailed', words);
    return { phase: 'Bound', reason: 'VolumePlugFailed', message: words };
  }
}

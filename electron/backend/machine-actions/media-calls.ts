/** Discs in a machine's CD drives. */
import type { CallHandlers } from '#shared/channel/handlers.ts';
import { HayloftError } from '#shared/contract/errors.ts';
import type { ObjectRef } from '#shared/contract/machines.ts';
import type { Disk, VirtualMachine, Volume } from '#shared/kube/kubevirt.ts';
import { uniqueName } from '#shared/kube/names.ts';
import { isHotpluggable } from '#shared/kube/volume-source.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import { editMachine, readStaying, type ActionParts } from './parts.ts';

type MediaCalls = Pick<CallHandlers, 'machines.insertMedia' | 'machines.ejectMedia'>;

/** Buses on which KubeVirt lets discs come and go (pkg/storage/admitters/storagehotplug.go). */
const changeable = new Set(['sata', 'scsi']);

export function mediaCalls({ clusters }: ActionParts): MediaCalls {
  return {
    'machines.insertMedia': async ({ drive, image, ...ref }) => {
      const client = await clusters.get(ref.clusterId).client();
      return edit(client, ref, (machine) => insert(machine, drive, image));
    },
    'machines.ejectMedia': async ({ drive, ...ref }) => {
      const client = await clusters.get(ref.clusterId).client();
      return edit(client, ref, (machine) => eject(machine, drive));
    },
  };
}

/** @param change edits the machine; returns whether a running guest sees it at once */
async function edit(client: ApiClient, ref: ObjectRef, change: (machine: VirtualMachine) => boolean): Promise<{ restartNeeded: boolean }> {
  const { result: live } = await editMachine(client, ref, change);
  return { restartNeeded: !live && (await readStaying(client, ref)) !== undefined };
}

/** Pure but for the machine, which it changes. */
export function insert(machine: VirtualMachine, drive: string | undefined, image: string): boolean {
  const { spec } = machine.spec.template;
  const { devices } = spec.domain;
  const volumes = spec.volumes ?? [];
  const old = volumes.find(({ name }) => name === drive);
  let disk = driveOf(machine, drive);
  const isNew = disk === undefined;
  if (!disk) {
    if (drive !== undefined) throw new HayloftError('not-found', `There is no CD drive “${drive}” any more.`);
    const taken = [...(devices.disks ?? []), ...volumes].map(({ name }) => name);
    disk = { name: uniqueName('cd', taken), cdrom: { bus: 'sata' } };
    devices.disks = [...(devices.disks ?? []), disk];
  }
  // A disc that was there from the start without being marked so cannot be swapped while the machine runs.
  const live = !isNew && changeable.has(disk.cdrom?.bus ?? 'sata') && (!old || isHotpluggable(old));
  const { name } = disk;
  const disc: Volume = { name, persistentVolumeClaim: { claimName: image, ...(live ? { hotpluggable: true } : {}) } };
  spec.volumes = [...volumes.filter((volume) => volume.name !== name), disc];
  return live;
}

/** Pure but for the machine, which it changes. */
export function eject(machine: VirtualMachine, drive: string): boolean {
  const { spec } = machine.spec.template;
  const old = spec.volumes?.find(({ name }) => name === drive);
  if (!driveOf(machine, drive) || !old) throw new HayloftError('conflict', `There is no disc in the drive “${drive}” any more.`);
  spec.volumes = (spec.volumes ?? []).filter(({ name }) => name !== drive);
  return isHotpluggable(old);
}

function driveOf(machine: VirtualMachine, drive: string | undefined): Disk | undefined {
  return machine.spec.template.spec.domain.devices.disks?.find(({ name, cdrom }) => name === drive && cdrom !== undefined);
}

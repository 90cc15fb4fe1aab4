/** Disks that a machine's template gains or loses while it runs, carried over to its instance. */
import { isDeepStrictEqual } from 'node:util';
import type { Disk, VirtualMachineInstance, VirtualMachineInstanceSpec } from '#shared/kube/kubevirt.ts';
import { isHotpluggable } from '../../qemu/hotplug/hotpluggable.ts';
import { withoutCards } from '../network-links/declared-cards.ts';
import { withoutLinkStates } from '../network-links/links.ts';

/** The spec without what may change while the machine runs: what is left changes with a restart alone. */
export function fixedPart(spec: VirtualMachineInstanceSpec): object {
  const { domain, volumes = [] } = spec;
  const coming = new Set(volumes.filter(isHotpluggable).map(({ name }) => name));
  const fixedVolumes = volumes.filter((volume) => !isHotpluggable(volume));
  const fixedDisks = (domain.devices.disks ?? []).filter(({ name, cdrom }) => cdrom !== undefined || !coming.has(name));
  const { interfaces: cards, networks } = withoutCards(spec);
  const interfaces = withoutLinkStates(cards);
  // An empty list and none are the same.
  return {
    ...spec,
    domain: {
      ...domain,
      devices: { ...domain.devices, disks: fixedDisks.length === 0 ? undefined : fixedDisks, interfaces: interfaces?.length ? interfaces : undefined },
    },
    networks: networks?.length ? networks : undefined,
    volumes: fixedVolumes.length === 0 ? undefined : fixedVolumes,
  };
}

/**
 * Brings the running instance's volumes that come and go in line with the template's. One whose source has changed
 * goes first, and comes again when its status tells that the old one is out.
 * @returns the instance's new spec; undefined where nothing is to be changed
 */
export function declaredSpec(template: VirtualMachineInstanceSpec, vmi: VirtualMachineInstance): VirtualMachineInstanceSpec | undefined {
  const { spec } = vmi;
  const wanted = (template.volumes ?? []).filter(isHotpluggable);
  const present = spec.volumes ?? [];
  const goes = new Set(
    present.filter((volume) => isHotpluggable(volume) && !wanted.some((other) => isDeepStrictEqual(other, volume))).map(({ name }) => name),
  );
  const known = new Set([...present, ...(vmi.status?.volumeStatus ?? [])].map(({ name }) => name));
  const disks = spec.domain.devices.disks ?? [];
  // A CD drive itself cannot come while the machine runs, so no medium can be put into a new one.
  const diskOf = (name: string): Disk | undefined =>
    disks.find((disk) => disk.name === name) ?? template.domain.devices.disks?.find((disk) => disk.name === name && disk.cdrom === undefined);
  const comes = wanted.filter(({ name }) => !known.has(name) && diskOf(name) !== undefined);
  if (goes.size === 0 && comes.length === 0) return undefined;
  const newDisks = comes.map(({ name }) => diskOf(name)).filter((disk) => disk !== undefined && !disks.includes(disk)) as Disk[];
  const kept = disks.filter(({ name, cdrom }) => cdrom !== undefined || !goes.has(name));
  return {
    ...spec,
    volumes: [...present.filter(({ name }) => !goes.has(name)), ...comes],
    domain: { ...spec.domain, devices: { ...spec.domain.devices, disks: [...kept, ...newDisks] } },
  };
}

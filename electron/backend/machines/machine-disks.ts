/** A machine's disks: those of its definition, and those that were plugged into its running instance alone. */
import type { MachineDisk } from '#shared/contract/machines.ts';
import type { DataVolume } from '#shared/kube/cdi.ts';
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import type { Disk, VirtualMachine, VirtualMachineInstance, Volume, VolumeStatus } from '#shared/kube/kubevirt.ts';
import { findCondition } from '#shared/kube/machine-status.ts';
import { parseQuantity } from '#shared/kube/quantities.ts';

export interface DiskObjects {
  vm: VirtualMachine;
  vmi: VirtualMachineInstance | undefined;
  claim: (name: string) => PersistentVolumeClaim | undefined;
  volume: (name: string) => DataVolume | undefined;
}

/** How many bytes a claim's disk takes of its host, where the engine counts them. */
export const ALLOCATED = 'hayloft.io/allocated';

export function machineDisks(objects: DiskObjects): MachineDisk[] {
  const { vm, vmi } = objects;
  const own = vm.spec.template.spec;
  const running = vmi?.spec;
  const disks = byName(own.domain.devices.disks, running?.domain.devices.disks);
  const volumes = byName(own.volumes, running?.volumes);
  // A volume that no disk names becomes a disk all the same.
  const bare = [...volumes.keys()].filter((name) => !disks.has(name)).map((name): Disk => ({ name }));
  return [...disks.values(), ...bare].map((disk) => diskOf(disk, volumes.get(disk.name), objects));
}

function byName<T extends { name: string }>(...lists: (readonly T[] | undefined)[]): Map<string, T> {
  const found = new Map<string, T>();
  for (const item of lists.flatMap((list) => list ?? [])) if (!found.has(item.name)) found.set(item.name, item);
  return found;
}

function diskOf(disk: Disk & { lun?: { bus?: string } }, source: Volume | undefined, objects: DiskObjects): MachineDisk {
  const { vm, vmi } = objects;
  const name = source?.dataVolume?.name ?? source?.persistentVolumeClaim?.claimName;
  const pvc = name === undefined ? undefined : objects.claim(name);
  const dataVolume = name === undefined ? undefined : objects.volume(name);
  const seen = vmi?.status?.volumeStatus?.find((status) => status.name === disk.name);
  const running = vmi?.status?.phase === 'Running';
  const kind = disk.cdrom ? 'cdrom' : disk.lun ? 'lun' : 'disk';
  const image = (source as { containerDisk?: { image?: string } } | undefined)?.containerDisk?.image;
  return defined<MachineDisk>({
    name: disk.name,
    kind,
    bus: disk.cdrom?.bus ?? disk.disk?.bus ?? disk.lun?.bus,
    bootOrder: disk.bootOrder,
    claim: name,
    source: source && Object.keys(source).find((key) => key !== 'name'),
    image,
    storageClass: pvc?.spec.storageClassName,
    volumeMode: pvc?.spec.volumeMode,
    readOnly: kind === 'cdrom' || disk.disk?.readonly === true || source?.persistentVolumeClaim?.readOnly === true,
    hotpluggable: source?.dataVolume?.hotpluggable ?? source?.persistentVolumeClaim?.hotpluggable ?? false,
    target: seen?.target || undefined,
    plugged: running ? seen !== undefined && (seen.phase === undefined || seen.phase === 'Ready') : undefined,
    sizeBytes: parseQuantity(pvc?.status?.capacity?.storage ?? pvc?.spec.resources?.requests?.storage ?? source?.emptyDisk?.capacity),
    usedBytes: parseQuantity(pvc?.metadata.annotations?.[ALLOCATED]),
    phase: dataVolume?.status?.phase ?? pvc?.status?.phase,
    progress: progressOf(dataVolume),
    trouble: troubleOf(name, pvc, dataVolume, seen),
    owned: (dataVolume ?? pvc)?.metadata.ownerReferences?.some((owner) => owner.uid === vm.metadata.uid) ?? false,
  });
}

function troubleOf(
  name: string | undefined,
  pvc: PersistentVolumeClaim | undefined,
  dataVolume: DataVolume | undefined,
  seen: VolumeStatus | undefined,
): string | undefined {
  if (name === undefined) return undefined;
  if (dataVolume?.status?.phase === 'Failed') return 'It could not be made.';
  if (!pvc && !dataVolume) return `There is no claim called “${name}”.`;
  if (pvc?.status?.phase === 'Lost') return 'Its storage is lost.';
  const intact = findCondition(pvc?.status?.conditions, 'DiskIntact');
  if (intact?.status === 'False') return intact.message || 'Its books are damaged.';
  if (seen?.phase !== undefined && seen.phase !== 'Ready' && seen.message) return seen.message;
  return undefined;
}

/** A DataVolume's progress from 0 to 1, where somebody counts it. */
export function progressOf(volume: DataVolume | undefined): number | undefined {
  const percent = /^([\d.]+)%$/.exec(volume?.status?.progress ?? '')?.[1];
  return percent === undefined ? undefined : Math.min(1, Number(percent) / 100);
}

/** Without the properties that have no value. */
function defined<T extends object>(object: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}

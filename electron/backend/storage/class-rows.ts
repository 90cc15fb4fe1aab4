/** A cluster's storage classes with what is on them, and the disks below. Pure. */
import type { StorageClassRow, StorageDiskRow, StorageShare, StorageVolumeRow } from '#shared/contract/storage.ts';
import type { KubeNode } from '#shared/kube/core.ts';
import { DISK_FREE_ANNOTATION } from '#shared/kube/labels.ts';
import { parseQuantity } from '#shared/kube/quantities.ts';
import { defaultClass } from '../placement/storage-fit.ts';
import { judgeDisk } from './longhorn/disk-verdict.ts';
import type { AskedStorage } from './storage-sources.ts';

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** Classes that are gone, and have volumes all the same, are rows, too. */
export function classRows({ classes = [] }: AskedStorage, volumes: readonly StorageVolumeRow[]): StorageClassRow[] {
  const usual = defaultClass(classes)?.metadata.name;
  const names = new Set([...classes.map(({ metadata }) => metadata.name ?? ''), ...volumes.flatMap(({ storageClass }) => storageClass ?? [])]);
  return [...names].map((name): StorageClassRow => {
    const on = volumes.filter(({ storageClass }) => storageClass === name);
    const used = on.flatMap(({ usedBytes }) => usedBytes ?? []);
    return {
      ...{ kind: 'class', key: `class/${name}`, name, usual: name === usual, volumes: on.length },
      provisioner: classes.find(({ metadata }) => metadata.name === name)?.provisioner ?? '',
      claimedBytes: sum(on.map(({ sizeBytes = 0 }) => sizeBytes)),
      ...(used.length > 0 || on.length === 0 ? { usedBytes: sum(used) } : {}),
      unmeasured: on.length - used.length,
      nodes: sharesOf(on),
    };
  });
}

/** Each copy of a volume takes its size on its node. */
function sharesOf(volumes: readonly StorageVolumeRow[]): StorageShare[] {
  const nodes = [...new Set(volumes.flatMap((volume) => volume.nodes))].sort();
  return nodes.map((node) => {
    const there = volumes.filter((volume) => volume.nodes.includes(node));
    const used = there.flatMap(({ usedBytes }) => usedBytes ?? []);
    return { node, allocatedBytes: sum(there.map(({ sizeBytes = 0 }) => sizeBytes)), ...(used.length > 0 ? { usedBytes: sum(used) } : {}) };
  });
}

/** Longhorn's disks, or the folder of an engine's node. Other drivers tell of none. */
export function diskRows({ longhorn }: AskedStorage, hosts: readonly KubeNode[]): StorageDiskRow[] {
  return longhorn?.room ? longhornDisks(longhorn.room) : hosts.flatMap(engineDisk);
}

const percent = 100;

function longhornDisks({ nodes, overProvisioning, minimalAvailable }: NonNullable<NonNullable<AskedStorage['longhorn']>['room']>): StorageDiskRow[] {
  return nodes.flatMap((node) =>
    Object.entries(node.spec.disks ?? {}).map(([name, { path, storageReserved = 0 }]): StorageDiskRow => {
      const { storageMaximum = 0, storageAvailable = 0, storageScheduled = 0 } = node.status?.diskStatus?.[name] ?? {};
      return {
        ...{ kind: 'disk', key: `disk/${node.metadata.name ?? ''}/${name}`, node: node.metadata.name ?? '', name: path ?? name },
        ...{ totalBytes: storageMaximum, freeBytes: storageAvailable, allocatedBytes: storageScheduled, reservedBytes: storageReserved },
        limitBytes: Math.max(0, ((storageMaximum - storageReserved) * overProvisioning) / percent),
        ...judgeDisk(node, name, minimalAvailable),
      };
    }),
  );
}

/** Only the engine says of a node how much of its disk is free. */
function engineDisk({ metadata, status }: KubeNode): StorageDiskRow[] {
  const free = parseQuantity(metadata.annotations?.[DISK_FREE_ANNOTATION]);
  const total = parseQuantity(status?.capacity?.['ephemeral-storage']);
  if (free === undefined || total === undefined) return [];
  const health =
    free < total / 10
      ? { tone: 'warning' as const, label: 'Nearly full', sentence: 'Less than 10 % of it is free, and machines pause when none is: delete what is not needed.' }
      : { tone: 'good' as const, label: 'Ready', sentence: 'Disks are files here, which grow as they fill.' };
  return [{ kind: 'disk', key: `disk/${metadata.name ?? ''}`, node: metadata.name ?? '', name: 'Folder of the engine', totalBytes: total, freeBytes: free, ...health }];
}

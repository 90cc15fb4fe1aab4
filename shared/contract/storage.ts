/** Where a cluster's storage is: classes, volumes, disks and snapshots as rows of one list. Amounts are bytes. */
import { z } from 'zod';
import { topic } from './define.ts';
import { snapshot } from './machine-actions.ts';
import { statusTone } from './machines.ts';

const row = z.object({ key: z.string() });
const health = { tone: statusTone, label: z.string(), /** What is wrong, and what to do. */ sentence: z.string() };

export const storageShare = z.object({
  node: z.string(),
  /** What was promised to volumes there, each copy counted. */
  allocatedBytes: z.number(),
  /** Absent where no driver tells. */
  usedBytes: z.number().optional(),
});
export type StorageShare = z.infer<typeof storageShare>;

export const storageClassRow = row.extend({
  kind: z.literal('class'),
  name: z.string(),
  provisioner: z.string(),
  /** New disks get it where none is named. */
  usual: z.boolean(),
  volumes: z.number(),
  /** Sum of the volumes' sizes; copies do not count. */
  claimedBytes: z.number(),
  /** Sum over those volumes whose use is known; absent where none is. */
  usedBytes: z.number().optional(),
  /** Volumes whose use is not known. */
  unmeasured: z.number(),
  nodes: z.array(storageShare),
});
export type StorageClassRow = z.infer<typeof storageClassRow>;

export const storageVolumeRow = row.extend({
  kind: z.literal('volume'),
  clusterId: z.string(),
  /** Of the claim; both absent where no claim leads to the volume. */
  namespace: z.string().optional(),
  claim: z.string().optional(),
  /** The volume's own name, where there is one yet. */
  volume: z.string().optional(),
  storageClass: z.string().optional(),
  sizeBytes: z.number().optional(),
  usedBytes: z.number().optional(),
  /** Names of machines that have it, in the claim's namespace. */
  machines: z.array(z.string()),
  /** Where its copies are. */
  nodes: z.array(z.string()),
  ...health,
});
export type StorageVolumeRow = z.infer<typeof storageVolumeRow>;

export const storageDiskRow = row.extend({
  kind: z.literal('disk'),
  node: z.string(),
  name: z.string(),
  totalBytes: z.number(),
  freeBytes: z.number(),
  /** Promised to volumes. */
  allocatedBytes: z.number().optional(),
  reservedBytes: z.number().optional(),
  /** The most that may be promised. */
  limitBytes: z.number().optional(),
  ...health,
});
export type StorageDiskRow = z.infer<typeof storageDiskRow>;

export const storageSnapshotRow = row.extend({ kind: z.literal('snapshot'), snapshot });
export type StorageSnapshotRow = z.infer<typeof storageSnapshotRow>;

/** Something that could not be asked for, as a sentence. */
export const storageGapRow = row.extend({ kind: z.literal('gap'), sentence: z.string() });

export const storageRow = z.discriminatedUnion('kind', [storageClassRow, storageVolumeRow, storageDiskRow, storageSnapshotRow, storageGapRow]);
export type StorageRow = z.infer<typeof storageRow>;

export const storageTopics = {
  storage: topic({ params: z.object({ clusterId: z.string() }), item: storageRow, key: (item) => item.key }),
};

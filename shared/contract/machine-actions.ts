/** What is done to a machine beyond its power: copies of it, changes of its shape, and its end. */
import { z } from 'zod';
import { topic } from './define.ts';
import { actionState, objectRef, runStrategy } from './machines.ts';

/** What was begun goes on by itself; the task with this id tells how. */
const begun = z.object({ taskId: z.string() });

export const snapshot = objectRef.extend({
  key: z.string(),
  /** Name of the machine that it is of. */
  machine: z.string(),
  description: z.string().optional(),
  /** When it was taken (or asked for, while it is not ready), in milliseconds since the epoch. */
  taken: z.number(),
  state: z.enum(['taking', 'ready', 'failed', 'deleting']),
  /** What went wrong, or what it waits for. */
  reason: z.string().optional(),
  /** KubeVirt's words on how it came about: `Online`, `GuestAgent`, `NoGuestAgent`, `Paused`, `QuiesceTimeout`, `PartialSnapshot`. */
  indications: z.array(z.string()),
  /** Names of the volumes that are in it, and of those that are not. */
  included: z.array(z.string()),
  excluded: z.array(z.string()),
  /** Sum of its disks' sizes in bytes, where the cluster tells. */
  sizeBytes: z.number().optional(),
});
export type Snapshot = z.infer<typeof snapshot>;

/** A disk of a machine that is about to be deleted. */
export const doomedDisk = z.object({
  /** Of the volume in the machine. */
  name: z.string(),
  /** Of the claim behind it. */
  claim: z.string(),
  sizeBytes: z.number().optional(),
  /** It was made for the machine, and goes with it unless it is to stay. */
  owned: z.boolean(),
  /** An image, which machines only read from. */
  image: z.boolean(),
  /** Names of other machines that use it. */
  usedBy: z.array(z.string()),
});
export type DoomedDisk = z.infer<typeof doomedDisk>;

/** Where a machine could be moved to. */
export const migrationTarget = z.object({ node: z.string(), usable: actionState });
export type MigrationTarget = z.infer<typeof migrationTarget>;

export const volume = z.object({
  claim: z.string(),
  sizeBytes: z.number().optional(),
  image: z.boolean(),
  /** The name of an image that a person gave. */
  displayName: z.string().optional(),
  usedBy: z.array(z.string()),
});
export type Volume = z.infer<typeof volume>;

/** How large a machine is and may become. */
export const machineSize = z.object({
  cores: z.number(),
  memoryBytes: z.number(),
  /** The type that its size comes from; it is not resized by itself then. */
  instancetype: z.string().optional(),
  /** Up to here it grows while it runs, where the cluster can do that. */
  live: z.object({ cores: z.number().optional(), memoryBytes: z.number().optional() }),
  running: z.boolean(),
  /** What the largest node has. */
  limits: z.object({ cores: z.number(), memoryBytes: z.number() }).partial(),
});
export type MachineSize = z.infer<typeof machineSize>;

const texts = z.record(z.string(), z.string());

/** What a person writes about a machine. */
export const machineNotes = z.object({ description: z.string(), labels: texts, annotations: texts });
export type MachineNotes = z.infer<typeof machineNotes>;

/** What a cluster and its user allow at all, whatever machine it is about. */
export const ability = z.enum([
  'start',
  'stop',
  'restart',
  'pause',
  'softReboot',
  'reset',
  'migrate',
  'snapshot',
  'restore',
  'deleteSnapshot',
  'clone',
  'backup',
  'change',
  'hotplug',
  'expandDisk',
  'delete',
  'screen',
  'serial',
  'forward',
  'expose',
]);
export type Ability = z.infer<typeof ability>;

const disk = objectRef.extend({ disk: z.string() });
const snapshotRef = objectRef.extend({ snapshot: z.string() });

/** Inputs are references to the machine, unless they say otherwise. */
export const machineActionCalls = {
  /** What is not possible, with the reason; and what makes no sense on this cluster, and need not be shown. */
  'machines.abilities': {
    input: z.object({ clusterId: z.string(), namespace: z.string() }),
    output: z.object({ missing: z.partialRecord(ability, z.string()), pointless: z.array(ability) }),
  },
  'machines.snapshot': {
    input: snapshotRef.extend({ description: z.string().max(500).optional() }),
    output: begun,
  },
  /** The machine is shut down first where `stop` says so; else it must be off. */
  'machines.restore': { input: snapshotRef.extend({ stop: z.boolean() }), output: begun },
  'machines.deleteSnapshot': { input: snapshotRef, output: z.object({}) },
  /** A new machine as the snapshot holds it; that and its disks stay as they are. */
  'machines.cloneSnapshot': { input: snapshotRef.extend({ newName: z.string() }), output: begun },
  /** The new machine is off. */
  'machines.clone': { input: objectRef.extend({ newName: z.string() }), output: begun },
  'machines.migrationTargets': { input: objectRef, output: z.object({ targets: z.array(migrationTarget) }) },
  /** Without a node, the cluster chooses one. */
  'machines.migrate': { input: objectRef.extend({ node: z.string().optional() }), output: begun },
  'machines.abortMigration': { input: objectRef, output: z.object({}) },
  'machines.size': { input: objectRef, output: machineSize },
  'machines.resize': {
    input: objectRef.extend({ cores: z.number().int().positive(), memoryBytes: z.number().int().positive() }),
    output: z.object({ restartNeeded: z.boolean() }),
  },
  /** What can be attached to the machine: volumes, and images for a CD drive. */
  'machines.attachable': { input: objectRef, output: z.object({ volumes: z.array(volume) }) },
  'machines.addDisk': {
    input: objectRef.extend({
      source: z.discriminatedUnion('kind', [
        z.object({ kind: z.literal('existing'), claim: z.string() }),
        z.object({ kind: z.literal('blank'), sizeBytes: z.number().int().positive() }),
      ]),
      bus: z.enum(['scsi', 'virtio']),
    }),
    output: begun,
  },
  'machines.removeDisk': { input: disk.extend({ deleteVolume: z.boolean() }), output: begun },
  /** How large the disk is, what is free where it is kept, and whether it can grow. */
  'machines.expansion': {
    input: disk,
    output: z.object({ claim: z.string(), sizeBytes: z.number(), freeBytes: z.number().optional(), running: z.boolean(), expandable: actionState }),
  },
  'machines.expandDisk': { input: disk.extend({ sizeBytes: z.number().int().positive() }), output: begun },
  /** Into the drive named, or into a new one, which a running machine has only after a restart. */
  'machines.insertMedia': {
    input: objectRef.extend({ drive: z.string().optional(), image: z.string() }),
    output: z.object({ restartNeeded: z.boolean() }),
  },
  'machines.ejectMedia': { input: objectRef.extend({ drive: z.string() }), output: z.object({ restartNeeded: z.boolean() }) },
  'machines.setRunStrategy': { input: objectRef.extend({ runStrategy }), output: z.object({}) },
  'machines.notes': { input: objectRef, output: machineNotes },
  /** Writes only what differs between the two, so that nothing is lost that somebody else wrote meanwhile. */
  'machines.editNotes': { input: objectRef.extend({ before: machineNotes, after: machineNotes }), output: z.object({}) },
  'machines.deletionPlan': {
    input: objectRef,
    output: z.object({ running: z.boolean(), disks: z.array(doomedDisk), snapshots: z.array(z.string()) }),
  },
  'machines.delete': {
    input: objectRef.extend({
      /** Names of the claims that go with it; `true`: all that were made for it. What another machine uses stays in any case. */
      deleteDisks: z.union([z.boolean(), z.array(z.string())]),
      deleteSnapshots: z.boolean().default(false),
    }),
    output: begun,
  },
};

export const machineActionTopics = {
  /** One machine's. */
  snapshots: topic({ params: objectRef, item: snapshot, key: (item) => item.key }),
};

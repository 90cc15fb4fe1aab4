/** Backups: machines in folders of the computer that the backend runs on. */
import { z } from 'zod';
import { objectRef } from './machines.ts';

/** `damaged`: its checksum, or its length, is not the one that was written down. */
export const fileState = z.enum(['good', 'damaged', 'missing']);
export type FileState = z.infer<typeof fileState>;

/** How disks are stored: packed, or as they are, with holes where they are empty. */
export const packing = z.enum(['gzip', 'none']);

const need = z.object({ kind: z.enum(['Secret', 'ConfigMap']), name: z.string() });

export const backup = z.object({
  folder: z.string(),
  machine: z.string(),
  namespace: z.string(),
  /** Name of the cluster that it was taken from. */
  cluster: z.string(),
  /** In milliseconds since the epoch. */
  taken: z.number(),
  /** Whether the machine ran then. */
  running: z.boolean(),
  description: z.string().optional(),
  cores: z.number(),
  memoryBytes: z.number().optional(),
  disks: z.array(
    z.object({
      /** Name of the claim that it was. */
      name: z.string(),
      file: z.string(),
      packing,
      /** Of the disk, and of its file. */
      sizeBytes: z.number(),
      fileBytes: z.number(),
      /** Absent as long as nobody has compared the checksum. */
      state: fileState.optional(),
    }),
  ),
  /** What the machine reads and this backup does not hold. */
  needs: z.array(need),
  /** What of it this backup holds. */
  holds: z.array(need),
  /** Whether it holds what the machine's firmware and TPM remember. */
  hasState: z.boolean(),
});
export type Backup = z.infer<typeof backup>;

const begun = z.object({ taskId: z.string() });
/** Whole, or beginning with `~`. */
const folder = z.string().max(4096);

export const backupCalls = {
  /** What a backup of this machine would be; `freeBytes` are those of the folder that is offered. */
  'backups.plan': {
    input: objectRef,
    output: z.object({
      folder: z.string(),
      freeBytes: z.number(),
      needBytes: z.number(),
      running: z.boolean(),
      disks: z.array(z.object({ claim: z.string(), sizeBytes: z.number().optional(), usedBytes: z.number().optional() })),
    }),
  },
  'backups.begin': { input: objectRef.extend({ folder, packing }), output: begun },
  /** Those in the usual folder, the latest first. */
  'backups.list': { input: z.object({}), output: z.object({ folder: z.string(), backups: z.array(backup) }) },
  'backups.inspect': { input: z.object({ folder }), output: backup },
  /** Reads the whole file. */
  'backups.check': { input: z.object({ folder, file: z.string() }), output: z.object({ state: fileState }) },
  /** The reference is of the machine that is to be. */
  'backups.restore': { input: objectRef.extend({ folder, start: z.boolean() }), output: begun },
};

/** What is kept of a task: enough to find out how it stands from the cluster's objects, in this run of the app or a later one. */
import { z } from 'zod';
import { errorData } from '#shared/contract/errors.ts';
import { objectRef } from '#shared/contract/machines.ts';
import { taskKind } from '#shared/contract/tasks.ts';

export const taskEntry = z.object({
  id: z.string(),
  kind: taskKind,
  machine: objectRef,
  /** Tells a machine of the same name that came later from the one that was meant. */
  machineUid: z.string().optional(),
  /** Of the instance that ran when the task began. */
  instanceUid: z.string().optional(),
  /** Name of the object that does the work: the snapshot, restore, clone or migration, or the disk's volume. */
  object: z.string().optional(),
  /** Name of the machine that comes of it. */
  target: z.string().optional(),
  /** Name of a disk that was made for it. */
  made: z.string().optional(),
  subject: z.string().optional(),
  /** Of a backup: its folder on this computer, and how its disks are stored. */
  folder: z.string().optional(),
  packing: z.enum(['gzip', 'none']).optional(),
  /** How large a disk is to be. */
  bytes: z.number().optional(),
  /** The machine is started at the end. */
  start: z.boolean().optional(),
  begun: z.number(),
  /** How it ended, once it has. */
  end: z
    .object({
      state: z.enum(['done', 'failed', 'cancelled', 'unknown']),
      at: z.number(),
      step: z.string().optional(),
      error: errorData.optional(),
    })
    .optional(),
});
export type TaskEntry = z.infer<typeof taskEntry>;

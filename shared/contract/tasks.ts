/** Tasks: what takes longer than a moment, followed to its end by the objects that it is about. */
import { z } from 'zod';
import { topic } from './define.ts';
import { errorData } from './errors.ts';
import { objectRef } from './machines.ts';

export const taskKind = z.enum([
  'create',
  'start',
  'stop',
  'restart',
  'migrate',
  'snapshot',
  'restore',
  'clone',
  'addDisk',
  'removeDisk',
  'expandDisk',
  'resize',
  'delete',
  'backup',
  'restoreBackup',
]);
export type TaskKind = z.infer<typeof taskKind>;

export const task = z.object({
  id: z.string(),
  kind: taskKind,
  machine: objectRef,
  /** What else it is about: the snapshot, the new machine, the disk, the node. */
  subject: z.string().optional(),
  begun: z.number(),
  /** `unknown`: how it ended cannot be told any more; `error` says why. */
  state: z.enum(['going', 'done', 'failed', 'cancelled', 'unknown']),
  /** Absent where nobody counts. */
  progress: z.number().min(0).max(1).optional(),
  /** What it does now, or what came of it, in one sentence. */
  step: z.string().optional(),
  ended: z.number().optional(),
  error: errorData.optional(),
  /** Whether it can be cancelled now; if not, why not. */
  cancel: z.object({ allowed: z.boolean(), reason: z.string().optional() }),
  /** The machine that came of it. */
  result: objectRef.optional(),
});
export type Task = z.infer<typeof task>;

export const taskCalls = {
  'tasks.cancel': { input: z.object({ taskId: z.string() }), output: z.object({}) },
  /** Takes tasks that have ended off the list; without an id all of them. */
  'tasks.dismiss': { input: z.object({ taskId: z.string().optional() }), output: z.object({}) },
};

export const taskTopics = {
  tasks: topic({ params: z.object({}), item: task, key: (item) => item.id }),
};

/** How each kind of task is followed. */
import type { TaskKind } from '#shared/contract/tasks.ts';
import { clone, restore, snapshot } from './kinds/copies.ts';
import { addDisk, removeDisk } from './kinds/disks.ts';
import { expandDisk } from './kinds/expansion.ts';
import { migrate } from './kinds/migration.ts';
import { create, restart, start, stop } from './kinds/power.ts';
import { deletion, resize } from './kinds/shape.ts';
import type { TaskDefinition } from './standing.ts';

/** Kinds that the app itself does, rather than a cluster. */
export type OwnKind = 'backup' | 'restoreBackup';

export const taskDefinitions: Readonly<Record<Exclude<TaskKind, OwnKind>, TaskDefinition>> = {
  create,
  start,
  stop,
  restart,
  migrate,
  snapshot,
  restore,
  clone,
  addDisk,
  removeDisk,
  expandDisk,
  resize,
  delete: deletion,
};

/** What can be done to a machine, as lists, menus, the command palette and the machine's page offer it. */
import type { Machine } from '#shared/contract/machines.ts';

export const actionIds = [
  'start',
  'startPaused',
  'stop',
  'restart',
  'softReboot',
  'pause',
  'unpause',
  'reset',
  'forceOff',
  'migrate',
  'abortMigration',
  'snapshot',
  'restore',
  'clone',
  'backup',
  'resize',
  'addDisk',
  'removeDisk',
  'expandDisk',
  'media',
  'runStrategy',
  'edit',
  'delete',
] as const;
export type ActionId = (typeof actionIds)[number];

/** Actions that begin with a question. */
export const askedActions = [
  'reset',
  'forceOff',
  'migrate',
  'snapshot',
  'restore',
  'clone',
  'backup',
  'resize',
  'addDisk',
  'removeDisk',
  'expandDisk',
  'media',
  'runStrategy',
  'edit',
  'delete',
] as const satisfies readonly ActionId[];
export type AskedAction = (typeof askedActions)[number];

export interface MachineAction {
  id: ActionId;
  /** The verb, as on a button. */
  label: string;
  /** A question comes first. */
  asks: boolean;
  /** Actions of one group stand together. */
  group: 'power' | 'copies' | 'shape' | 'end';
  /** Loses something that cannot be brought back. */
  danger: boolean;
  /** Why it cannot be used now. */
  reason: string | undefined;
  /** Does it, asking first what has to be asked. Failures are told as toasts. */
  run: () => void;
  /** Does it to one of several machines without asking, and rejects with why not. Absent where each needs its own answers. */
  once: (() => Promise<void>) | undefined;
  /** What is lost, to be said before `once` is called. */
  warning: string | undefined;
}

/** Of a machine, as far as actions ask. A machine's page and its row in the list both have it. */
export type ActedOn = Pick<
  Machine,
  | 'clusterId'
  | 'namespace'
  | 'name'
  | 'key'
  | 'status'
  | 'runStrategy'
  | 'actions'
  | 'notMigratable'
  | 'snapshotting'
  | 'restoring'
  | 'node'
>;

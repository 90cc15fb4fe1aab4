/** What can be done to several machines at once. */
import { plural } from '#shared/format/units.ts';
import type { Machine } from '#shared/contract/machines.ts';
import type { ActionId } from '../../machine-actions/action.ts';
import { machineAction } from '../../machine-actions/actions.ts';
import { connection } from '../../state/connection.svelte.ts';

export const bulkIds = ['start', 'stop', 'restart', 'pause', 'unpause', 'forceOff', 'label', 'delete'] as const satisfies readonly (ActionId | 'label')[];
export type BulkId = (typeof bulkIds)[number];

/** What was answered in the dialog. */
export interface BulkAnswers {
  deleteDisks: boolean;
  /** `null` takes the label off. */
  labels: Record<string, string | null>;
}

interface Words {
  verb: string;
  /** What has become of a machine: "shut down". */
  done: string;
  danger?: boolean;
}

export const bulkWords: Record<BulkId, Words> = {
  start: { verb: 'Start', done: 'started' },
  stop: { verb: 'Shut down', done: 'told to shut down' },
  restart: { verb: 'Restart', done: 'restarted' },
  pause: { verb: 'Pause', done: 'paused' },
  unpause: { verb: 'Resume', done: 'resumed' },
  forceOff: { verb: 'Force off', done: 'forced off', danger: true },
  label: { verb: 'Label', done: 'labelled' },
  delete: { verb: 'Delete', done: 'deleted', danger: true },
};

/** Why it cannot be done to this machine now, or undefined. */
export function bulkReason(id: BulkId, machine: Machine): string | undefined {
  return id === 'label' ? undefined : machineAction(machine, id)?.reason;
}

/** Does it to one machine, without asking. Rejects with a HayloftError. */
export async function bulkRun(id: BulkId, { deleteDisks, labels }: BulkAnswers, machine: Machine): Promise<void> {
  const { clusterId, namespace, name } = machine;
  if (id === 'delete') await connection.call('machines.delete', { clusterId, namespace, name, deleteDisks });
  else if (id === 'label') await connection.call('machines.label', { clusterId, namespace, name, labels });
  else await machineAction(machine, id)?.once?.();
}

/** "Start 3 machines". */
export function bulkTitle(id: BulkId, count: number): string {
  return `${bulkWords[id].verb} ${plural(count, 'machine')}`;
}

/** What is to be said before it is done. */
export function bulkWarning(id: BulkId, deleteDisks: boolean): string | undefined {
  if (id === 'forceOff') return 'It is like pulling the plug. Unsaved data in the guests is lost.';
  if (id !== 'delete') return undefined;
  return deleteDisks
    ? 'The machines and everything on their disks will be gone. This cannot be undone. Images stay.'
    : 'The machines will be gone. Their disks stay in the cluster and can be attached to other machines.';
}

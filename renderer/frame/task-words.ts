/** Tasks in words. */
import type { StatusTone } from '#shared/contract/machines.ts';
import type { Task } from '#shared/contract/tasks.ts';

export const stateWords: Record<Task['state'], { tone: StatusTone; label: string }> = {
  going: { tone: 'busy', label: 'Going on' },
  done: { tone: 'good', label: 'Done' },
  failed: { tone: 'bad', label: 'Failed' },
  cancelled: { tone: 'off', label: 'Canceled' },
  unknown: { tone: 'warning', label: 'Not known' },
};

/** What it does, for a list of tasks. */
export function taskTitle({ kind, machine: { name }, subject = '' }: Task): string {
  switch (kind) {
    case 'create':
      return `Make ${name}`;
    case 'start':
      return `Start ${name}`;
    case 'stop':
      return `Shut down ${name}`;
    case 'restart':
      return `Restart ${name}`;
    case 'migrate':
      return subject === '' ? `Move ${name}` : `Move ${name} to ${subject}`;
    case 'snapshot':
      return `Take snapshot ${subject}`;
    case 'restore':
      return `Restore ${name} from ${subject}`;
    case 'clone':
      return `Clone ${name} to ${subject}`;
    case 'addDisk':
      return `Attach ${subject} to ${name}`;
    case 'expandDisk':
      return `Expand ${subject} of ${name}`;
    case 'removeDisk':
      return `Detach ${subject} from ${name}`;
    case 'resize':
      return `Resize ${name}`;
    case 'delete':
      return `Delete ${name}`;
    case 'backup':
      return `Back up ${name}`;
    case 'restoreBackup':
      return `Restore ${name} from a backup`;
  }
}

/** What to say when it ended while somebody looks elsewhere. */
export function announcement(task: Task): string {
  const { machine, subject = '', result } = task;
  switch (task.kind) {
    case 'snapshot':
      return `The snapshot ${subject} is ready.`;
    case 'restore':
      return `${machine.name} was restored from ${subject}.`;
    case 'clone':
      return `${result?.name ?? subject} is ready: a clone of ${machine.name}.`;
    case 'backup':
      return `${machine.name} is backed up: ${task.step ?? ''}`;
    case 'restoreBackup':
      return task.step ?? `${machine.name} is restored.`;
    case 'expandDisk':
      return task.step ?? `${subject} of ${machine.name} is larger.`;
    case 'delete':
      return `${machine.name} was deleted. ${task.step ?? ''}`.trim();
    default:
      return `${taskTitle(task)}: done.${task.step === undefined ? '' : ` ${task.step}`}`;
  }
}

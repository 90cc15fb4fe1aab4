/** A machine's power actions: their words, and carrying them out. */
import type { ObjectRef, PowerAction } from '#shared/contract/machines.ts';
import { connection } from '../state/connection.svelte.ts';
import { toasts } from '../state/toasts.svelte.ts';

/** `verb` for a button, `done` for what became of the machine. */
export const actionWords: Record<PowerAction, { verb: string; done: string }> = {
  start: { verb: 'Start', done: 'started' },
  stop: { verb: 'Shut down', done: 'shut down' },
  forceOff: { verb: 'Force off', done: 'forced off' },
  restart: { verb: 'Restart', done: 'restarted' },
  pause: { verb: 'Pause', done: 'paused' },
  unpause: { verb: 'Resume', done: 'resumed' },
};

/** Asks the cluster for it. What became of it shows in the machine's status; a refusal is told as a toast. */
export async function runPower(machine: ObjectRef, action: PowerAction): Promise<void> {
  const { clusterId, namespace, name } = machine;
  try {
    await connection.call('machines.power', { clusterId, namespace, name, action });
  } catch (error) {
    toasts.failed(error);
  }
}

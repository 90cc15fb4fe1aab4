/** Carrying out a machine's power actions. */
import type { ObjectRef, PowerCommand } from '#shared/contract/machines.ts';
import { connection } from '../state/connection.svelte.ts';
import { toasts } from '../state/toasts.svelte.ts';

/** Asks the cluster for it; what becomes of it shows in the machine's status. Rejects with a HayloftError. */
export async function power({ clusterId, namespace, name }: ObjectRef, action: PowerCommand): Promise<void> {
  await connection.call('machines.power', { clusterId, namespace, name, action });
}

/** For what nobody waits for: a refusal is told as a toast. */
export async function tellFailure(doing: Promise<unknown>): Promise<void> {
  try {
    await doing;
  } catch (error) {
    toasts.failed(error);
  }
}

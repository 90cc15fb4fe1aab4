/** A reboot that the guest does itself. */
import { AgentError, type GuestAgent } from './types.ts';

/** A refusal comes within this time; a guest that obeys says nothing (QEMU's qga/qapi-schema.json, guest-shutdown). */
const refusalMs = 2000;

/** @returns whether the guest reboots; false where its agent may not, or cannot */
export async function rebootByAgent(agent: GuestAgent): Promise<boolean> {
  try {
    await agent.command('guest-shutdown', { mode: 'reboot' }, refusalMs);
    return true;
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    // It has ended with its system, or is busy ending it.
    return error.class === 'NotConnected' || error.class === 'Timeout';
  }
}

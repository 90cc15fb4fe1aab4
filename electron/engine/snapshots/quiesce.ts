/** Whether a guest was asked to hold its file systems still for a snapshot, and what came of it. */
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import type { Guests } from '../machines/guests.ts';
import { AgentError } from '../qemu/agent/types.ts';
import type { Guest } from '../qemu/types.ts';

/** A snapshot of any disk takes less; a guest whose engine was killed meanwhile does not hang for longer. */
const longestMs = 60_000;
/** Windows gives up after ten seconds and says so in these words when it is to thaw. */
const gaveUp = /fsfreeze is limited/;

export class Quiesce {
  /** The agent refused, or did not answer. */
  failed = false;
  /** The guest went on before the snapshot was done. */
  tooLong = false;
  readonly #guests: Guests;
  readonly #guest: Guest;

  constructor(guests: Guests, guest: Guest) {
    this.#guests = guests;
    this.#guest = guest;
  }

  /**
   * @returns what lets the guest go on; it never rejects, as it is tried again by itself
   * @throws HayloftError when the guest could not be made to hold still; it goes on then
   */
  async freeze(): Promise<() => Promise<void>> {
    const { freezes } = this.#guests;
    // Whoever asked for it lets it go on.
    if (freezes.isFrozen(this.#guest.uid)) return () => Promise.resolve();
    try {
      await freezes.freeze(this.#guest, Date.now() + longestMs);
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      this.failed = true;
      throw new HayloftError('conflict', `Failed freezing the file systems of the guest: ${error.message}`, {
        hint: 'Look after the guest agent in the machine, or stop it there: then the snapshot is taken without it.',
        retryable: true,
        cause: error,
      });
    }
    return async () => {
      try {
        await freezes.thaw(this.#guest);
      } catch (error) {
        this.tooLong ||= error instanceof AgentError && gaveUp.test(error.message);
      }
    };
  }
}

/** What clusters allow at all, asked once for each namespace that machines are shown of. */
import { SvelteMap } from 'svelte/reactivity';
import type { Ability } from '#shared/contract/machine-actions.ts';
import type { CallOutput } from '#shared/contract/contract.ts';
import { connection } from '../state/connection.svelte.ts';

/** Rights and gates change seldom; a cluster that is asked again this late, in milliseconds, is asked soon enough. */
const goodForMs = 5 * 60_000;

interface Place {
  clusterId: string;
  namespace: string;
}
type Answer = CallOutput<'machines.abilities'>;

class Abilities {
  readonly #answers = new SvelteMap<string, Answer>();
  /** When each was last asked. Not reactive: only answers are. */
  readonly #asked = new Map<string, number>();

  /** Why it is not possible on the machine's cluster; undefined where it is, or as long as that is not known. */
  missing(machine: Place, ability: Ability): string | undefined {
    return this.#answer(machine)?.missing[ability];
  }

  /** Whether the cluster has no use for it; so, too, as long as that is not known. */
  isPointless(machine: Place, ability: Ability): boolean {
    return this.#answer(machine)?.pointless.includes(ability) ?? true;
  }

  #answer({ clusterId, namespace }: Place): Answer | undefined {
    const key = `${clusterId}/${namespace}`;
    if (Date.now() - (this.#asked.get(key) ?? 0) > goodForMs) {
      this.#asked.set(key, Date.now());
      void this.#ask(key, clusterId, namespace);
    }
    return this.#answers.get(key);
  }

  async #ask(key: string, clusterId: string, namespace: string): Promise<void> {
    try {
      this.#answers.set(key, await connection.call('machines.abilities', { clusterId, namespace }));
    } catch {
      // Out of reach: its machines say so. It is asked again when somebody looks the next time.
      this.#asked.delete(key);
    }
  }
}

export const abilities = new Abilities();

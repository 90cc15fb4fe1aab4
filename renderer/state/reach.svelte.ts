/** Which clusters cannot be reached now. The frame, which always follows them, keeps it; actions ask. */
import { SvelteMap } from 'svelte/reactivity';
import type { Cluster } from '#shared/contract/clusters.ts';

class Reach {
  readonly #lost = new SvelteMap<string, string>();

  /** @param clusters all that there are */
  take(clusters: readonly Cluster[]): void {
    const lost = new Map(clusters.flatMap(({ id, name, state }): [string, string][] => {
      if (state === 'unreachable') return [[id, `${name} cannot be reached now.`]];
      return state === 'unauthorized' ? [[id, `${name} does not take the kubeconfig’s credentials any more.`]] : [];
    }));
    for (const id of [...this.#lost.keys()]) if (!lost.has(id)) this.#lost.delete(id);
    for (const [id, why] of lost) if (this.#lost.get(id) !== why) this.#lost.set(id, why);
  }

  /** Why nothing can be done there; undefined where it can be reached. */
  why(clusterId: string): string | undefined {
    return this.#lost.get(clusterId);
  }
}

export const reach = new Reach();

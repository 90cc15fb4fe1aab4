/** What is asked of a cluster beside what is watched: asked now and then while somebody looks, once for all who do. */
import { setTimeout as sleep } from 'node:timers/promises';
import { asHayloftError } from '#shared/contract/errors.ts';
import type { KubeList, KubeObject } from '#shared/kube/object.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import type { ClusterConnection } from '../clusters/connection.ts';

const everyMs = 15_000;
const afterFailureMs = 3000;

interface Following<T> {
  answer: T | undefined;
  listeners: Set<() => void>;
  stop: AbortController;
}

export class Asked<T> {
  readonly #following = new Map<string, Following<T>>();
  readonly #what: string;
  readonly #ask: (client: ApiClient, cluster: ClusterConnection, namespace: string, signal: AbortSignal) => Promise<T>;

  /** @param what is asked for, as in “The … could not be asked for” */
  constructor(what: string, ask: (client: ApiClient, cluster: ClusterConnection, namespace: string, signal: AbortSignal) => Promise<T>) {
    this.#what = what;
    this.#ask = ask;
  }

  /** What was answered last; undefined until something was. */
  latest(cluster: ClusterConnection, namespace: string): T | undefined {
    return this.#following.get(`${cluster.id}/${namespace}`)?.answer;
  }

  /** Calls back after each answer, until the returned function is called. */
  follow(cluster: ClusterConnection, namespace: string, changed: () => void): () => void {
    const key = `${cluster.id}/${namespace}`;
    const following = this.#following.get(key) ?? this.#begin(key, cluster, namespace);
    following.listeners.add(changed);
    return () => {
      following.listeners.delete(changed);
      // Answers that change make one question after the other: the next one is there already.
      if (following.listeners.size > 0) return;
      following.stop.abort();
      this.#following.delete(key);
    };
  }

  #begin(key: string, cluster: ClusterConnection, namespace: string): Following<T> {
    const following: Following<T> = { answer: undefined, listeners: new Set(), stop: new AbortController() };
    this.#following.set(key, following);
    void this.#run(following, cluster, namespace);
    return following;
  }

  async #run(following: Following<T>, cluster: ClusterConnection, namespace: string): Promise<void> {
    const { signal } = following.stop;
    const over = (): boolean => signal.aborted;
    while (!over()) {
      let pauseMs = everyMs;
      try {
        following.answer = await this.#ask(await cluster.client(signal), cluster, namespace, signal);
      } catch (error) {
        if (over()) return;
        // The page tells by itself that a cluster cannot be reached; what was known stays.
        cluster.warn(`The ${this.#what} could not be asked for`, { error: asHayloftError(error).message });
        pauseMs = afterFailureMs;
      }
      for (const listener of [...following.listeners]) listener();
      await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }
}

/** Lists a path's objects, or nothing where that is not wanted, not there, or not to be read. */
export type Lister = <T extends KubeObject>(wanted: boolean, path: string) => Promise<T[] | undefined>;

/** Reads that leave out what is not there, or not to be read. They throw a HayloftError where the cluster does not answer. */
export function leavingOut(client: ApiClient, signal: AbortSignal): { get: <T>(wanted: boolean, path: string) => Promise<T | undefined>; list: Lister } {
  const get = async <T>(wanted: boolean, path: string): Promise<T | undefined> => {
    if (!wanted) return undefined;
    try {
      return await client.call<T>('GET', path, { signal, packed: true });
    } catch (error) {
      const { code } = asHayloftError(error);
      if (code === 'not-found' || code === 'forbidden' || code === 'unsupported') return undefined;
      throw error;
    }
  };
  return { get, list: async <T extends KubeObject>(wanted: boolean, path: string) => (await get<KubeList<T>>(wanted, path))?.items };
}

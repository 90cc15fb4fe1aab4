/** All machines of all clusters, followed once for whoever shows them: the list, the command palette. */
import type { Machine } from '#shared/contract/machines.ts';
import type { TopicListener } from '#shared/channel/types.ts';
import { connection } from './connection.svelte.ts';

/** Whoever comes back to the list finds it still there. */
const lingerMs = 60_000;

type Follow = (listener: TopicListener<Machine>) => () => void;

export class MachineFeed {
  readonly #follow: Follow;
  readonly #listeners = new Set<TopicListener<Machine>>();
  readonly #machines = new Map<string, Machine>();
  #known = false;
  #stop: (() => void) | undefined;
  #linger: ReturnType<typeof setTimeout> | undefined;

  constructor(follow: Follow) {
    this.#follow = follow;
  }

  /** What is known is told at once, then what changes. @returns a function that stops it */
  follow(listener: TopicListener<Machine>): () => void {
    clearTimeout(this.#linger);
    this.#listeners.add(listener);
    if (this.#known) listener.onSnapshot([...this.#machines.values()]);
    this.#stop ??= this.#start();
    return () => {
      if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
      this.#linger = setTimeout(() => this.#end(), lingerMs);
    };
  }

  #start(): () => void {
    return this.#follow({
      onSnapshot: (machines) => {
        this.#machines.clear();
        for (const machine of machines) this.#machines.set(machine.key, machine);
        this.#known = true;
        for (const listener of this.#listeners) listener.onSnapshot(machines);
      },
      onChanges: (upserted, removed) => {
        for (const machine of upserted) this.#machines.set(machine.key, machine);
        for (const key of removed) this.#machines.delete(key);
        for (const listener of this.#listeners) listener.onChanges(upserted, removed);
      },
      onError: (error) => {
        for (const listener of this.#listeners) listener.onError(error);
        // Whoever asks next tries anew.
        this.#end();
      },
    });
  }

  #end(): void {
    clearTimeout(this.#linger);
    this.#stop?.();
    this.#stop = undefined;
    this.#known = false;
    this.#machines.clear();
  }
}

export const machineFeed = new MachineFeed((listener) => connection.follow('machines', {}, listener));

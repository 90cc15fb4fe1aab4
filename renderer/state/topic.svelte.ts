/** A topic of the backend as reactive state: the list, and whether it has come yet. */
import { onDestroy } from 'svelte';
import type { TopicItem, TopicName, TopicParams } from '#shared/contract/contract.ts';
import { contract } from '#shared/contract/contract.ts';
import type { HayloftError } from '#shared/contract/errors.ts';
import { connection } from './connection.svelte.ts';

export class TopicList<N extends TopicName> {
  /** In the order in which items came. */
  items = $state.raw<TopicItem<N>[]>([]);
  loaded = $state(false);
  error = $state.raw<HayloftError | undefined>(undefined);
  // Not reactive itself: `items` is what pages follow, once a batch.
  // eslint-disable-next-line svelte/prefer-svelte-reactivity
  readonly #byKey = new Map<string, TopicItem<N>>();
  readonly #key: (item: TopicItem<N>) => string;
  readonly #stop: () => void;

  constructor(name: N, params: TopicParams<N>) {
    this.#key = contract.topics[name].key as (item: TopicItem<N>) => string;
    this.#stop = connection.follow(name, params, {
      onSnapshot: (items) => {
        this.#byKey.clear();
        for (const item of items) this.#byKey.set(this.#key(item), item);
        this.#show();
        this.loaded = true;
        this.error = undefined;
      },
      onChanges: (upserted, removed) => {
        for (const item of upserted) this.#byKey.set(this.#key(item), item);
        for (const key of removed) this.#byKey.delete(key);
        this.#show();
      },
      onError: (error) => {
        this.error = error;
        this.loaded = true;
      },
    });
  }

  get(key: string): TopicItem<N> | undefined {
    // Reading the list is what makes the answer follow changes.
    return this.items.length === 0 ? undefined : this.#byKey.get(key);
  }

  stop(): void {
    this.#stop();
  }

  #show(): void {
    this.items = [...this.#byKey.values()];
  }
}

/** A topic for as long as the component lives that asks for it. */
export function useTopic<N extends TopicName>(name: N, params: TopicParams<N>): TopicList<N> {
  const list = new TopicList(name, params);
  onDestroy(() => list.stop());
  return list;
}

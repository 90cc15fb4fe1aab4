/** A keyed list that tells its listeners what changed: what topic handlers hand out. */
import type { TopicListener, TopicSource } from '#shared/channel/types.ts';

export class Topic<Item> implements TopicSource<Item> {
  readonly #items = new Map<string, Item>();
  readonly #listeners = new Set<TopicListener<Item>>();
  readonly #key: (item: Item) => string;
  #settled: boolean;

  /** @param options key: names an item; settled: false keeps the first snapshot back until `settle` is called */
  constructor(options: { key: (item: Item) => string; settled?: boolean }) {
    this.#key = options.key;
    this.#settled = options.settled ?? true;
  }

  subscribe(listener: TopicListener<Item>): () => void {
    this.#listeners.add(listener);
    if (this.#settled) listener.onSnapshot([...this.#items.values()]);
    return () => void this.#listeners.delete(listener);
  }

  get(key: string): Item | undefined {
    return this.#items.get(key);
  }

  values(): Item[] {
    return [...this.#items.values()];
  }

  put(...items: Item[]): void {
    for (const item of items) this.#items.set(this.#key(item), item);
    this.#tell(items, []);
  }

  remove(key: string): void {
    if (this.#items.delete(key)) this.#tell([], [key]);
  }

  /** The list is complete now: whoever waits for a first snapshot gets it. */
  settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    for (const listener of this.#listeners) listener.onSnapshot(this.values());
  }

  #tell(upserted: Item[], removed: string[]): void {
    if (!this.#settled || upserted.length + removed.length === 0) return;
    for (const listener of this.#listeners) listener.onChanges(upserted, removed);
  }
}

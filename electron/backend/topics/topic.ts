/** A keyed list that tells its listeners what changed: what topic handlers hand out. */
import type { TopicListener, TopicSource } from '#shared/channel/types.ts';

export class Topic<Item> implements TopicSource<Item> {
  readonly #items = new Map<string, Item>();
  readonly #listeners = new Set<TopicListener<Item>>();
  readonly #key: (item: Item) => string;
  #settled: boolean;

  readonly #watched: (watched: boolean) => void;

  /**
   * @param options key: names an item; settled: false keeps the first snapshot back until `settle` is called; watched:
   *   called when the first listener comes and when the last one goes
   */
  constructor(options: { key: (item: Item) => string; settled?: boolean; watched?: (watched: boolean) => void }) {
    this.#key = options.key;
    this.#settled = options.settled ?? true;
    this.#watched = options.watched ?? (() => undefined);
  }

  subscribe(listener: TopicListener<Item>): () => void {
    this.#listeners.add(listener);
    if (this.#settled) listener.onSnapshot([...this.#items.values()]);
    if (this.#listeners.size === 1) this.#watched(true);
    return () => {
      if (this.#listeners.delete(listener) && !this.isWatched) this.#watched(false);
    };
  }

  get isWatched(): boolean {
    return this.#listeners.size > 0;
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

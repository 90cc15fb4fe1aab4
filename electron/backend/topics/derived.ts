/** Lists worked out of watched objects: only the rows that a change concerns are worked out again. */
import type { TopicListener, TopicSource } from '#shared/channel/types.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import type { ClusterConnection } from '../clusters/connection.ts';
import type { Kind } from '../clusters/kinds.ts';
import type { Pin } from '../clusters/pins.ts';

/** One kind that rows are made of. */
export interface Ingredient {
  kind: Kind<KubeObject>;
  /**
   * Keys (`namespace/name`) of the rows that an object has a part in; asked before and after it changed. Default: the
   * row of the object's own key.
   */
  rows?(object: KubeObject): string[];
}

/** Checks the parts of an {@link Ingredient} against each other. */
export const ingredient = <T extends KubeObject>(kind: Kind<T>, rows?: (object: T) => string[]): Ingredient =>
  ({ kind, ...(rows ? { rows } : {}) });

export interface Derivation<Item> {
  ingredients: readonly Ingredient[];
  /** The row of this key, or undefined where there is none (any more). */
  row(cluster: ClusterConnection, key: string): Item | undefined;
  /** Names a row in the topic. */
  itemKey(cluster: ClusterConnection, key: string): string;
  /** Only this row is of interest. */
  only?: string;
}

/** Clusters that a topic is about: those there are, and those that come and go. */
export interface ClusterSet {
  readonly current: readonly ClusterConnection[];
  /** @returns a function that stops it */
  follow(listener: { added(cluster: ClusterConnection): void; removed(cluster: ClusterConnection): void }): () => void;
}

/** How long the first snapshot waits for the other clusters once one is known, in milliseconds. */
const graceMs = 500;

/**
 * A topic over several clusters. Watches run only while somebody is subscribed. A cluster that takes long to answer
 * does not hold up the others: its rows follow as changes.
 */
export function derivedTopic<Item>(clusters: ClusterSet, derivation: Derivation<Item>): TopicSource<Item> {
  return {
    subscribe: (listener) => {
      const parts = new Map(clusters.current.map((cluster) => [cluster, new Part(cluster, derivation)]));
      let open = true;
      let begun = false;
      let grace: NodeJS.Timeout | undefined;
      const begin = (): void => {
        if (!open || begun) return;
        begun = true;
        clearTimeout(grace);
        listener.onSnapshot([...parts.values()].flatMap((part) => part.begin(listener)));
      };
      const unfollow = clusters.follow({
        added: (cluster) => {
          const part = new Part(cluster, derivation);
          parts.set(cluster, part);
          if (!begun) return;
          const rows = part.begin(listener);
          if (rows.length > 0) listener.onChanges(rows, []);
        },
        removed: (cluster) => {
          const part = parts.get(cluster);
          parts.delete(cluster);
          part?.end();
          const rows = part?.shownKeys() ?? [];
          if (begun && rows.length > 0) listener.onChanges([], rows);
        },
      });
      const settling = [...parts.values()].map((part) => part.settled());
      void Promise.race(settling).then(() => {
        if (open && !begun) grace = setTimeout(begin, graceMs).unref();
      });
      void Promise.all(settling).then(begin);
      return () => {
        open = false;
        clearTimeout(grace);
        unfollow();
        for (const part of parts.values()) part.end();
      };
    },
  };
}

/** One cluster's share of a subscription. */
class Part<Item> {
  readonly #cluster: ClusterConnection;
  readonly #derivation: Derivation<Item>;
  readonly #stops: (() => void)[];
  /** Of the one row: what it is made of is to be known whole. */
  readonly #pins: Pin[];
  /** Which rows each object had a part in, so that a row hears of the object's going. */
  readonly #shares: Map<string, string[]>[];
  readonly #shown = new Set<string>();
  #listener: TopicListener<Item> | undefined;

  constructor(cluster: ClusterConnection, derivation: Derivation<Item>) {
    this.#cluster = cluster;
    this.#derivation = derivation;
    this.#shares = derivation.ingredients.map(() => new Map<string, string[]>());
    this.#stops = derivation.ingredients.map(({ kind }, index) =>
      cluster.cache(kind).watch((keys) => this.#changed(index, keys)),
    );
    const { only } = derivation;
    this.#pins = only === undefined ? [] : derivation.ingredients.map(({ kind }) => cluster.cache(kind).pin(only));
  }

  /** A list may begin with its first page; that there is no such row can be said once all is known. */
  async settled(): Promise<void> {
    const caches = this.#derivation.ingredients.map(({ kind }) => this.#cluster.cache(kind));
    await Promise.all(caches.map((cache) => (this.#derivation.only === undefined ? cache.settled() : cache.completed())));
    await Promise.all(this.#pins.map(({ ready }) => ready));
  }

  /** @returns the rows there are now; later changes go to the listener */
  begin(listener: TopicListener<Item>): Item[] {
    this.#listener = listener;
    const rows = new Set<string>();
    this.#derivation.ingredients.forEach((_, index) => {
      for (const key of this.#cache(index).objects.keys()) for (const row of this.#rowsOf(index, key)) rows.add(row);
    });
    return this.#workOut(rows).upserted;
  }

  end(): void {
    for (const stop of this.#stops) stop();
    for (const pin of this.#pins) pin.release();
  }

  /** Of every row that the listener was told of. */
  shownKeys(): string[] {
    return [...this.#shown].map((row) => this.#derivation.itemKey(this.#cluster, row));
  }

  #changed(index: number, keys: ReadonlySet<string>): void {
    if (!this.#listener) return;
    const rows = new Set<string>();
    for (const key of keys) for (const row of this.#rowsOf(index, key)) rows.add(row);
    const { upserted, removed } = this.#workOut(rows);
    if (upserted.length + removed.length > 0) this.#listener.onChanges(upserted, removed);
  }

  #rowsOf(index: number, key: string): string[] {
    const object = this.#cache(index).objects.get(key);
    const ingredient = this.#derivation.ingredients[index];
    const { only } = this.#derivation;
    // What has a part in the row of its own key alone always had.
    if (!ingredient?.rows) return only === undefined || key === only ? [key] : [];
    const before = this.#shares[index]?.get(key) ?? [];
    const after = object ? ingredient.rows(object) : [];
    if (after.length > 0) this.#shares[index]?.set(key, after);
    else this.#shares[index]?.delete(key);
    return [...before, ...after].filter((row) => only === undefined || row === only);
  }

  #workOut(rows: ReadonlySet<string>): { upserted: Item[]; removed: string[] } {
    const upserted: Item[] = [];
    const removed: string[] = [];
    for (const row of rows) {
      const item = this.#row(row);
      if (item !== undefined) {
        this.#shown.add(row);
        upserted.push(item);
      } else if (this.#shown.delete(row)) {
        removed.push(this.#derivation.itemKey(this.#cluster, row));
      }
    }
    return { upserted, removed };
  }

  /** An object that nobody foresaw costs its own row, not the list. */
  #row(key: string): Item | undefined {
    try {
      return this.#derivation.row(this.#cluster, key);
    } catch (error) {
      this.#cluster.warn('An object could not be understood', { key, error: String(error) });
      return undefined;
    }
  }

  #cache(index: number): ReturnType<ClusterConnection['cache']> {
    const { kind } = this.#derivation.ingredients[index] ?? {};
    if (!kind) throw new RangeError('No such ingredient');
    return this.#cluster.cache(kind);
  }
}

/** One subscriber of a topic, at the backend's end: merges changes until the subscriber can take them. */
import { asHayloftError } from '../contract/errors.ts';
import type { HayloftError } from '../contract/errors.ts';
import type { TopicSource } from './types.ts';

/** The least time between two messages of one subscription, in milliseconds: two frames of a 60 Hz screen. */
export const BATCH_INTERVAL = 33;

type TopicMessage =
  | { t: 'snapshot'; items: unknown[] }
  | { t: 'changes'; upserted: unknown[]; removed: string[] };

export interface SubscriptionWire {
  send(message: TopicMessage): void;
  failed(error: HayloftError): void;
}

/**
 * At most one message is on its way to the subscriber; what happens until it is acknowledged, or until
 * {@link BATCH_INTERVAL} is over, is merged by key. So a slow receiver costs one copy of the list at most, not a queue.
 */
export class Subscription {
  readonly #source: TopicSource<unknown>;
  readonly #key: (item: unknown) => string;
  readonly #wire: SubscriptionWire;
  #unsubscribe: (() => void) | undefined;
  /** What the subscriber will have after the next message, when that must be a snapshot. */
  #snapshot: Map<string, unknown> | undefined;
  #upserted = new Map<string, unknown>();
  #removed = new Set<string>();
  #begun = false;
  #unacknowledged = false;
  #notBefore = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #disposed = false;

  constructor(source: TopicSource<unknown>, key: (item: unknown) => string, wire: SubscriptionWire) {
    this.#source = source;
    this.#key = key;
    this.#wire = wire;
  }

  start(): void {
    try {
      const unsubscribe = this.#source.subscribe({
        onSnapshot: (items) => this.#snapshotCame(items),
        onChanges: (upserted, removed) => this.#changesCame(upserted, removed),
        onError: (error) => this.#fail(error),
      });
      // The source may have failed before it returned.
      if (this.#disposed) unsubscribe();
      else this.#unsubscribe = unsubscribe;
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The subscriber has dealt with the last message. False when none was sent. */
  acknowledged(): boolean {
    if (!this.#unacknowledged) return false;
    this.#unacknowledged = false;
    this.#schedule();
    return true;
  }

  dispose(): void {
    this.#disposed = true;
    clearTimeout(this.#timer);
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }

  #snapshotCame(items: unknown[]): void {
    this.#begun = true;
    this.#snapshot = new Map(items.map((item) => [this.#key(item), item]));
    this.#upserted.clear();
    this.#removed.clear();
    this.#schedule();
  }

  #changesCame(upserted: unknown[], removed: string[]): void {
    // A source speaks only after its snapshot; one that does not has an empty list to begin with.
    if (!this.#begun) this.#snapshotCame([]);
    for (const key of removed) {
      if (this.#snapshot !== undefined) {
        this.#snapshot.delete(key);
      } else {
        this.#upserted.delete(key);
        this.#removed.add(key);
      }
    }
    for (const item of upserted) {
      const key = this.#key(item);
      if (this.#snapshot !== undefined) {
        this.#snapshot.set(key, item);
      } else {
        this.#removed.delete(key);
        this.#upserted.set(key, item);
      }
    }
    this.#schedule();
  }

  #schedule(): void {
    if (this.#disposed || this.#unacknowledged || this.#timer !== undefined || !this.#waiting()) return;
    const wait = Math.max(0, this.#notBefore - performance.now());
    this.#timer = setTimeout(() => this.#flush(), wait);
  }

  #waiting(): boolean {
    return this.#snapshot !== undefined || this.#upserted.size > 0 || this.#removed.size > 0;
  }

  #flush(): void {
    this.#timer = undefined;
    if (this.#disposed || !this.#waiting()) return;
    this.#unacknowledged = true;
    this.#notBefore = performance.now() + BATCH_INTERVAL;
    if (this.#snapshot !== undefined) {
      const items = [...this.#snapshot.values()];
      this.#snapshot = undefined;
      this.#wire.send({ t: 'snapshot', items });
    } else {
      const changes: TopicMessage = {
        t: 'changes',
        upserted: [...this.#upserted.values()],
        removed: [...this.#removed],
      };
      this.#upserted = new Map();
      this.#removed = new Set();
      this.#wire.send(changes);
    }
  }

  #fail(error: unknown): void {
    if (this.#disposed) return;
    this.dispose();
    this.#wire.failed(asHayloftError(error));
  }
}

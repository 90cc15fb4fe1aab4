/** Hands committed changes to those who asked, in order, after the writer has gone on. */
import type { Log } from '../context.ts';
import type { StoredRow } from './change-log.ts';
import type { KindKey } from './keys.ts';

export interface Watcher {
  /** Changes up to here are not for it. */
  since: number;
  /** Empty: every namespace. */
  namespace: string;
  take(change: StoredRow): void;
  /** Told before the others: what controllers read to see what a change means to them keeps no client waiting. */
  ahead?: boolean;
}

const textOf = (of: KindKey): string => `${of.group}/${of.plural}`;

export class Watchers {
  readonly #byKind = new Map<string, Set<Watcher>>();
  readonly #log: Log;
  #waiting: StoredRow[] = [];

  constructor(log: Log) {
    this.#log = log;
  }

  add(of: KindKey, watcher: Watcher): () => void {
    const key = textOf(of);
    const watchers = this.#byKind.get(key) ?? new Set();
    this.#byKind.set(key, watchers.add(watcher));
    return () => {
      watchers.delete(watcher);
      if (watchers.size === 0 && this.#byKind.get(key) === watchers) this.#byKind.delete(key);
    };
  }

  /**
   * Delivery waits for the next microtask: a listener never runs inside somebody's write, where the writer's own state
   * may be half changed.
   */
  publish(changes: readonly StoredRow[]): void {
    if (changes.length === 0) return;
    if (this.#waiting.length === 0) queueMicrotask(() => this.#deliver());
    this.#waiting.push(...changes);
  }

  #deliver(): void {
    const changes = this.#waiting;
    this.#waiting = [];
    for (const change of changes) {
      const watchers = [...(this.#byKind.get(textOf(change)) ?? [])];
      for (const watcher of [...watchers.filter(({ ahead }) => ahead), ...watchers.filter(({ ahead }) => !ahead)]) {
        if (change.revision <= watcher.since || !this.#byKind.get(textOf(change))?.has(watcher)) continue;
        watcher.since = change.revision;
        if (watcher.namespace !== '' && watcher.namespace !== change.namespace) continue;
        try {
          watcher.take(change);
        } catch (error) {
          this.#log.error('A listener failed on a change', { kind: textOf(change), name: change.name, error });
        }
      }
    }
  }
}

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

/** Those of one kind, in the order in which they came. */
interface Of {
  ahead: Set<Watcher>;
  others: Set<Watcher>;
}

export class Watchers {
  readonly #byKind = new Map<string, Of>();
  readonly #log: Log;
  #waiting: StoredRow[] = [];

  constructor(log: Log) {
    this.#log = log;
  }

  add(of: KindKey, watcher: Watcher): () => void {
    const key = textOf(of);
    const known = this.#byKind.get(key) ?? { ahead: new Set(), others: new Set() };
    this.#byKind.set(key, known);
    const watchers = watcher.ahead === true ? known.ahead : known.others;
    watchers.add(watcher);
    return () => {
      watchers.delete(watcher);
      if (known.ahead.size + known.others.size === 0 && this.#byKind.get(key) === known) this.#byKind.delete(key);
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
      const known = this.#byKind.get(textOf(change));
      if (!known) continue;
      for (const watchers of [known.ahead, known.others]) for (const watcher of watchers) this.#tell(watcher, change);
    }
  }

  /** One that is added or taken off meanwhile is told, or not told, by the set itself. */
  #tell(watcher: Watcher, change: StoredRow): void {
    if (change.revision <= watcher.since) return;
    watcher.since = change.revision;
    if (watcher.namespace !== '' && watcher.namespace !== change.namespace) return;
    try {
      watcher.take(change);
    } catch (error) {
      this.#log.error('A listener failed on a change', { kind: textOf(change), name: change.name, error });
    }
  }
}

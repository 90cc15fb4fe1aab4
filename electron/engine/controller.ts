/**
 * A reconcile loop for one kind: keys of objects wait in a queue, each is worked on by one call at a time, failures
 * come back with growing pauses. Level-triggered: a reconcile looks at what is, never at what just happened.
 */
import type { KubeObject } from '#shared/kube/object.ts';
import type { ResourceDefinition } from './api/definition.ts';
import type { EngineContext } from './context.ts';
import type { Change } from './store/resources.ts';

export interface Key {
  /** Undefined for cluster-scoped kinds. */
  namespace: string | undefined;
  name: string;
}

/** Nothing: wait for the next change. `requeueAfterMs`: look again after this time, change or not. */
export type ReconcileResult = { requeueAfterMs: number } | undefined;

/** Another kind whose changes concern objects of this controller's kind. */
export interface Related<R extends KubeObject = KubeObject> {
  of: ResourceDefinition<R>;
  /** The objects to look at again. */
  keys(change: Change<R>): Key[];
}

/** Checks a {@link Related}'s parts against each other, so that a list can hold several kinds of them. */
export const related = <R extends KubeObject>(value: Related<R>): Related => value;

export interface ControllerOptions<T extends KubeObject> {
  of: ResourceDefinition<T>;
  related?: readonly Related[];
  /** Called with the key of an object that exists, is being deleted, or is gone. May be called at any time, and again. */
  reconcile(key: Key): Promise<ReconcileResult> | ReconcileResult;
  /** How many keys are worked on at once; never the same key twice. Default 4. */
  concurrency?: number;
}

export interface Controller {
  enqueue(key: Key): void;
  /** No new work is begun; resolves when what was begun has ended. */
  stop(): Promise<void>;
}

/** Several changes in a row are looked at once, too. */
const othersAfterMs = 4;
const firstRetryMs = 100;
const slowestRetryMs = 30_000;

/** Queues every object there is, then follows changes. */
export function createController<T extends KubeObject>(
  context: Pick<EngineContext, 'resources' | 'log'>,
  options: ControllerOptions<T>,
): Controller {
  const { resources, log } = context;
  const waiting = new Map<string, Key>();
  const active = new Map<string, Promise<void>>();
  const timers = new Map<string, NodeJS.Timeout>();
  const failures = new Map<string, number>();
  const concurrency = options.concurrency ?? 4;
  let stopped = false;

  const idOf = (key: Key): string => `${key.namespace ?? ''}/${key.name}`;

  const enqueue = (key: Key): void => {
    if (stopped) return;
    const id = idOf(key);
    clearTimeout(timers.get(id));
    timers.delete(id);
    waiting.set(id, key);
    queueMicrotask(pump);
  };

  // People wait for what a change is for, and not for what others make of it: that comes when the processor is free again.
  let unseen: (() => Key[])[] = [];
  const lookAtOthers = (): void => {
    const seen = unseen;
    unseen = [];
    if (stopped) return;
    for (const keysOf of seen) {
      try {
        keysOf().forEach(enqueue);
      } catch (error) {
        log.error('It could not be told what a change means to others', { kind: options.of.kind, error });
      }
    }
  };

  const later = (id: string, key: Key, ms: number): void => {
    if (stopped || waiting.has(id)) return;
    timers.set(id, setTimeout(() => enqueue(key), ms));
  };

  // Async, so that one that throws at once fails no sooner than it is noted as being worked on.
  const reconcile = async (key: Key): Promise<ReconcileResult> => options.reconcile(key);

  const work = async (id: string, key: Key): Promise<void> => {
    try {
      const result = await reconcile(key);
      failures.delete(id);
      if (result) later(id, key, result.requeueAfterMs);
    } catch (error) {
      const count = (failures.get(id) ?? 0) + 1;
      failures.set(id, count);
      const ms = Math.min(slowestRetryMs, firstRetryMs * 2 ** (count - 1)) * (0.75 + Math.random() / 2);
      log.warn(`Could not bring ${options.of.kind} ${id} to its wanted state; trying again`, {
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
        attempt: count,
        retryInMs: Math.round(ms),
      });
      later(id, key, ms);
    } finally {
      active.delete(id);
      pump();
    }
  };

  function pump(): void {
    for (const [id, key] of waiting) {
      if (stopped || active.size >= concurrency) return;
      if (active.has(id)) continue;
      waiting.delete(id);
      active.set(id, work(id, key));
    }
  }

  const keyOf = ({ metadata }: KubeObject): Key => ({ namespace: metadata.namespace, name: metadata.name ?? '' });
  const subscriptions = [
    resources.subscribe(options.of, ({ object }) => enqueue(keyOf(object))),
    ...(options.related ?? []).map((other) =>
      resources.subscribe(other.of, (change) => {
        if (unseen.push(() => other.keys(change)) === 1) setTimeout(lookAtOthers, othersAfterMs);
      }),
    ),
  ];
  for (const object of resources.list(options.of)) enqueue(keyOf(object));

  return {
    enqueue,
    async stop() {
      stopped = true;
      for (const unsubscribe of subscriptions) unsubscribe();
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
      waiting.clear();
      await Promise.all(active.values());
    },
  };
}

/** Writes Events, and keeps them few: the same event only counts up, old ones go, and there is a cap. */
import { createHash } from 'node:crypto';
import type { KubeEvent } from '#shared/kube/core.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import type { EventRecorder, Log } from '../context.ts';
import { events } from '../core/event.ts';
import { timestamp } from '../store/keys.ts';
import type { Resources } from '../store/resources.ts';

/** As long as Kubernetes keeps them by default. */
const keepMs = 60 * 60_000;
const pruneEveryMs = 10 * 60_000;
const cap = 1000;

export interface BoundedEventRecorder extends EventRecorder {
  stop(): void;
}

export function createEventRecorder(resources: Resources, log: Log, limit = cap): BoundedEventRecorder {
  let kept = prune(resources, Date.now() - keepMs, limit);
  const unsubscribe = resources.subscribe(events, ({ type }) => {
    if (type === 'ADDED') kept += 1;
    if (type === 'DELETED') kept -= 1;
  });
  // What is said about events must never fail the thing that they are about.
  const quietly = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      log.warn('An event could not be recorded', { error });
    }
  };
  const timer = setInterval(() => {
    if (kept > 0) quietly(() => prune(resources, Date.now() - keepMs, limit));
  }, pruneEveryMs);
  const write = (event: KubeEvent): void => {
    const { namespace, name = '' } = event.metadata;
    const again = resources.change(events, namespace, name, (old) => {
      old.count = (old.count ?? 1) + 1;
      old.lastTimestamp = event.lastTimestamp ?? null;
    });
    if (again) return;
    // Room is made a tenth at a time, so that not every new event looks at all the others.
    if (kept >= limit) prune(resources, Date.now() - keepMs, Math.floor(limit * 0.9));
    resources.create(events, event);
  };
  let unwritten: KubeEvent[] = [];
  const writeAll = (): void => {
    const waiting = unwritten;
    unwritten = [];
    for (const event of waiting) quietly(() => write(event));
  };
  return {
    record: (about, type, reason, message) =>
      quietly(() => {
        // A write waits for the disk: what the event is about goes first.
        if (unwritten.length === 0) setImmediate(writeAll);
        unwritten.push(eventAbout(about, type, reason, message));
      }),
    stop: () => {
      writeAll();
      clearInterval(timer);
      unsubscribe();
    },
  };
}

/** The same object, type, reason and message give the same name, over restarts, too. */
function eventAbout(about: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string): KubeEvent {
  const { name = '', namespace, uid, resourceVersion } = about.metadata;
  const key = JSON.stringify([about.kind, namespace, name, uid, type, reason, message]);
  const suffix = createHash('sha256').update(key).digest('hex').slice(0, 16);
  const now = timestamp();
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${name.slice(0, 200).replace(/[.-]+$/, '')}.${suffix}`, namespace: namespace ?? 'default' },
    involvedObject: {
      apiVersion: about.apiVersion,
      kind: about.kind,
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
    type,
    reason,
    message,
    count: 1,
    firstTimestamp: now,
    lastTimestamp: now,
    source: { component: 'hayloft-engine' },
    reportingComponent: 'hayloft-engine',
    reportingInstance: '',
  };
}

/**
 * Deletes events that were last seen before `oldest` (milliseconds since 1970) and, oldest first, what is beyond `limit`.
 * @returns how many are left
 */
function prune(resources: Resources, oldest: number, limit: number): number {
  const all = resources
    .list(events)
    .map((event) => ({ event, seen: Date.parse(event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp ?? '') }))
    .sort((a, b) => b.seen - a.seen);
  let left = 0;
  for (const { event, seen } of all) {
    if (left < limit && !(seen < oldest)) {
      left += 1;
      continue;
    }
    resources.delete(events, event.metadata.namespace, event.metadata.name ?? '');
  }
  return left;
}

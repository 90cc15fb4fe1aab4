/**
 * All objects of one kind on one cluster, kept up to date by a list and a watch that goes on from it. Works only while
 * somebody looks; keeps what it knows when the cluster cannot be reached.
 * Protocol: Kubernetes API concepts, "Efficient detection of changes".
 */
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { HayloftError, asHayloftError } from '#shared/contract/errors.ts';
import type { KubeList, KubeObject, Status, WatchEvent } from '#shared/kube/object.ts';
import type { ApiClient } from './api-client.ts';
import { pathOf, type Kind } from './kinds.ts';

const lingerMs = 30_000;
const firstRetryMs = 250;
const slowestRetryMs = 15_000;
const goneCode = 410;
/** A server ends watches after some minutes anyway; this bounds how long a dead line goes unnoticed. */
const watchSeconds = 290;

export interface CacheHost {
  /** Resolves when the cluster can be asked; rejects when `signal` aborts. */
  client(signal: AbortSignal): Promise<ApiClient>;
  /** Told of every success and failure, so that the cluster's own state follows. */
  heard(error?: HayloftError): void;
}

export class WatchCache<T extends KubeObject> {
  readonly objects = new Map<string, T>();
  readonly #kind: Kind<T>;
  readonly #host: CacheHost;
  readonly #listeners = new Set<(keys: ReadonlySet<string>) => void>();
  #users = 0;
  #running: AbortController | undefined;
  #linger: NodeJS.Timeout | undefined;
  #settled = false;
  #whenSettled: (() => void)[] = [];

  constructor(kind: Kind<T>, host: CacheHost) {
    this.#kind = kind;
    this.#host = host;
  }

  /** `namespace/name` of an object, or its name alone where its kind has no namespaces. */
  static key(object: KubeObject): string {
    const { namespace, name } = object.metadata;
    return namespace === undefined ? (name ?? '') : `${namespace}/${name ?? ''}`;
  }

  /** Calls `listener` with the keys that changed, until the returned function is called. Keeps the watch going. */
  watch(listener: (keys: ReadonlySet<string>) => void): () => void {
    this.#listeners.add(listener);
    this.#users += 1;
    clearTimeout(this.#linger);
    this.#running ??= this.#start();
    return () => {
      if (!this.#listeners.delete(listener)) return;
      this.#users -= 1;
      // Whoever goes from one page to the next should find the list still there.
      if (this.#users === 0) this.#linger = setTimeout(() => this.stop(), lingerMs).unref();
    };
  }

  /** Resolves when the list is known, or the first try to get it has failed. Needs a watcher. */
  async settled(): Promise<void> {
    if (!this.#settled) await new Promise<void>((resolve) => this.#whenSettled.push(resolve));
  }

  stop(): void {
    clearTimeout(this.#linger);
    this.#running?.abort();
    this.#running = undefined;
    this.#settled = false;
  }

  #start(): AbortController {
    const controller = new AbortController();
    void this.#run(controller.signal);
    return controller;
  }

  async #run(signal: AbortSignal): Promise<void> {
    let retryMs = firstRetryMs;
    const stopped = (): boolean => signal.aborted;
    while (!stopped()) {
      try {
        const client = await this.#host.client(signal);
        let revision = await this.#list(client, signal);
        this.#settle();
        this.#host.heard();
        retryMs = firstRetryMs;
        for (;;) revision = await this.#follow(client, revision, signal);
      } catch (error) {
        if (stopped()) return;
        const known = asHayloftError(error);
        // An expired revision is the ordinary way of being told to list again.
        if (!(error instanceof Expired)) {
          this.#host.heard(known);
          this.#settle();
          await delay(retryMs * (0.5 + Math.random()), undefined, { signal }).catch(() => undefined);
          retryMs = Math.min(retryMs * 2, slowestRetryMs);
        }
      }
    }
  }

  async #list(client: ApiClient, signal: AbortSignal): Promise<string> {
    const list = await client.call<KubeList<T>>('GET', pathOf(this.#kind, undefined), { signal });
    const changed = new Set<string>(this.objects.keys());
    const before = new Map(this.objects);
    this.objects.clear();
    for (const object of list.items) {
      const key = WatchCache.key(object);
      this.objects.set(key, object);
      if (before.get(key)?.metadata.resourceVersion === object.metadata.resourceVersion) changed.delete(key);
      else changed.add(key);
    }
    this.#tell(changed);
    return list.metadata.resourceVersion ?? '0';
  }

  /** Follows one watch to its end and answers with the revision to go on from. */
  async #follow(client: ApiClient, revision: string, signal: AbortSignal): Promise<string> {
    const query = new URLSearchParams({
      watch: 'true',
      resourceVersion: revision,
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(watchSeconds),
    });
    const response = await client.open('GET', `${pathOf(this.#kind, undefined)}?${query.toString()}`, { signal });
    this.#host.heard();
    let newest = revision;
    const lines = createInterface({ input: response, crlfDelay: Infinity });
    try {
      for await (const line of lines) {
        const event = JSON.parse(line) as WatchEvent<T>;
        if (event.type === 'ERROR') throw failureOf(event.object as unknown as Status);
        newest = event.object.metadata.resourceVersion ?? newest;
        if (event.type !== 'BOOKMARK') this.#apply(event);
      }
    } finally {
      response.destroy();
    }
    if (!response.complete) throw new HayloftError('connection-lost', 'The connection to the cluster was lost.', { retryable: true });
    return newest;
  }

  #apply(event: WatchEvent<T>): void {
    const key = WatchCache.key(event.object);
    if (event.type === 'DELETED') this.objects.delete(key);
    else this.objects.set(key, event.object);
    this.#tell(new Set([key]));
  }

  #tell(keys: ReadonlySet<string>): void {
    if (keys.size === 0) return;
    for (const listener of this.#listeners) listener(keys);
  }

  #settle(): void {
    this.#settled = true;
    for (const resolve of this.#whenSettled.splice(0)) resolve();
  }
}

class Expired extends Error {}

function failureOf(status: Status): Error {
  if (status.code === goneCode) return new Expired(status.message);
  return new HayloftError('connection-lost', status.message ?? 'The cluster ended the watch.', { retryable: true });
}

/**
 * All objects of one kind on one cluster, kept up to date by a list and a watch that goes on from it. Works only while
 * somebody looks; keeps what it knows when the cluster cannot be reached.
 * Protocol: Kubernetes API concepts, "Efficient detection of changes".
 */
import { HayloftError, asHayloftError } from '#shared/contract/errors.ts';
import type { KubeList, KubeObject, Status, WatchEvent } from '#shared/kube/object.ts';
import { Backoff } from './alarm.ts';
import type { ApiClient } from './api-client.ts';
import { AnswerError, errorFromNetwork } from './api-errors.ts';
import { jsonLines } from './json-lines.ts';
import { pathOf, type Kind } from './kinds.ts';

const lingerMs = 30_000;
const firstRetryMs = 250;
const slowestRetryMs = 15_000;
/** HTTP 410: the revision to go on from is not remembered any more. */
const gone = 410;
/** Servers end watches after some minutes anyway; this makes it known when. */
const watchSeconds = 290;
/** A watch that ended sooner than this, without having said anything, is not simply opened again. */
const briefMs = 1000;

export interface CacheHost {
  /** Resolves when the cluster can be asked; rejects with the reason when it cannot for now. */
  client(signal: AbortSignal): Promise<ApiClient>;
  /** Something came from the cluster. */
  heard(): void;
  /** How listing and watching this kind stands: the error, or undefined when all is well. */
  report(error: HayloftError | undefined): void;
  /** Waits before the next try; less long when the cluster is back. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
}

export type KeyListener = (keys: ReadonlySet<string>) => void;

export class WatchCache<T extends KubeObject> {
  readonly objects = new Map<string, T>();
  readonly #kind: Kind<T>;
  readonly #host: CacheHost;
  readonly #listeners = new Set<KeyListener>();
  readonly #backoff = new Backoff(firstRetryMs, slowestRetryMs);
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
  watch(listener: KeyListener): () => void {
    // One function may watch twice, and stops once for each.
    const own: KeyListener = (keys) => listener(keys);
    this.#listeners.add(own);
    clearTimeout(this.#linger);
    this.#running ??= this.#start();
    return () => {
      if (!this.#listeners.delete(own) || this.#listeners.size > 0) return;
      // Whoever goes from one page to the next should find the list still there.
      this.#linger = setTimeout(() => this.stop(), lingerMs).unref();
    };
  }

  /** Resolves when the list is known, or the first try to get it has failed. Needs a watcher. */
  async settled(): Promise<void> {
    if (!this.#settled) await new Promise<void>((resolve) => this.#whenSettled.push(resolve));
  }

  /** Resolves when the object of this key is known, or after `ms` milliseconds: the watch may be behind the server. */
  async known(key: string, ms: number): Promise<void> {
    if (this.objects.has(key)) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        stop();
        resolve();
      };
      const timer = setTimeout(done, ms);
      const stop = this.watch((keys) => {
        if (keys.has(key)) done();
      });
    });
  }

  stop(): void {
    clearTimeout(this.#linger);
    this.#running?.abort();
    this.#running = undefined;
    this.#settled = false;
    this.#host.report(undefined);
  }

  #start(): AbortController {
    const controller = new AbortController();
    void this.#run(controller.signal);
    return controller;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const stopped = (): boolean => signal.aborted;
    let revision: string | undefined;
    while (!stopped()) {
      try {
        const client = await this.#host.client(signal);
        revision ??= await this.#list(client, signal);
        this.#host.report(undefined);
        this.#settle();
        const begun = performance.now();
        const end = await this.#follow(client, revision, signal);
        const brief = end.revision === revision && performance.now() - begun < briefMs;
        revision = end.revision;
        if (stopped()) return;
        if (end.problem) this.#host.report(end.problem);
        if (end.problem ?? brief) await this.#host.pause(this.#backoff.next(), signal);
      } catch (error) {
        if (stopped()) return;
        revision = undefined;
        this.#settle();
        const expired = error instanceof AnswerError && error.httpStatus === gone;
        if (!expired) this.#host.report(asHayloftError(error));
        await this.#host.pause(this.#backoff.next(), signal);
      }
    }
  }

  async #list(client: ApiClient, signal: AbortSignal): Promise<string> {
    const list = await client.call<KubeList<T>>('GET', pathOf(this.#kind, undefined), { signal });
    this.#host.heard();
    if (signal.aborted) return '';
    const changed = new Set<string>(this.objects.keys());
    const before = new Map(this.objects);
    this.objects.clear();
    for (const object of list.items) {
      const key = WatchCache.key(object);
      this.objects.set(key, object);
      const known = before.get(key)?.metadata;
      const same = known?.resourceVersion === object.metadata.resourceVersion && known?.uid === object.metadata.uid;
      if (same) changed.delete(key);
      else changed.add(key);
    }
    this.#tell(changed);
    return list.metadata.resourceVersion ?? '0';
  }

  /** Follows one watch to its end. Throws when it cannot be opened. */
  async #follow(client: ApiClient, revision: string, signal: AbortSignal): Promise<WatchEnd> {
    const query = new URLSearchParams({
      watch: 'true',
      resourceVersion: revision,
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(watchSeconds),
    });
    const response = await client.open('GET', `${pathOf(this.#kind, undefined)}?${query.toString()}`, { signal });
    this.#host.heard();
    let newest = revision;
    try {
      for await (const event of jsonLines<WatchEvent<T>>(response)) {
        if (signal.aborted) break;
        if (event.type === 'ERROR') return endOf(event.object as unknown as Status);
        newest = event.object.metadata.resourceVersion ?? newest;
        this.#backoff.reset();
        this.#host.heard();
        if (event.type !== 'BOOKMARK') this.#apply(event);
      }
      return { revision: newest, problem: undefined };
    } catch (error) {
      // What is known is still right: a broken line is no reason to fetch everything again.
      return { revision: newest, problem: errorFromNetwork(error, client.access.server) };
    } finally {
      response.destroy();
    }
  }

  #apply(event: WatchEvent<T>): void {
    const key = WatchCache.key(event.object);
    if (event.type === 'DELETED') this.objects.delete(key);
    else this.objects.set(key, event.object);
    this.#tell(new Set([key]));
  }

  #tell(keys: ReadonlySet<string>): void {
    if (keys.size === 0) return;
    for (const listener of [...this.#listeners]) listener(keys);
  }

  #settle(): void {
    this.#settled = true;
    for (const resolve of this.#whenSettled.splice(0)) resolve();
  }
}

interface WatchEnd {
  /** Where the next watch goes on; undefined: everything must be fetched anew. */
  revision: string | undefined;
  problem: HayloftError | undefined;
}

/** How a server ends a watch by itself: mostly because the revision is too old by now. */
function endOf(status: Status): WatchEnd {
  if (status.code === gone) return { revision: undefined, problem: undefined };
  const message = status.message ?? 'The cluster ended the watch.';
  return { revision: undefined, problem: new HayloftError('connection-lost', message, { retryable: true }) };
}

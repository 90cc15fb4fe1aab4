/** One cluster: how to reach it, how it stands, and what is known of its objects. */
import type { Cluster, ClusterState } from '#shared/contract/clusters.ts';
import { HayloftError, asHayloftError } from '#shared/contract/errors.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import type { Access } from './access.ts';
import { Alarm, Backoff } from './alarm.ts';
import { abortReason, ApiClient } from './api-client.ts';
import { askFlavour } from './flavour.ts';
import type { Kind } from './kinds.ts';
import { WatchCache } from './watch-cache.ts';

const firstProbeMs = 500;
const slowestProbeMs = 15_000;
const probeTimeoutMs = 10_000;

export interface ConnectionOptions {
  id: string;
  name: string;
  local: boolean;
  /** Called after each change of `view`. */
  changed(view: Cluster): void;
  /** For the log. */
  warn(message: string, fields: Record<string, unknown>): void;
}

interface Waiter {
  resolve: (client: ApiClient) => void;
  reject: (error: Error) => void;
}

export class ClusterConnection {
  readonly id: string;
  readonly local: boolean;
  readonly #options: ConnectionOptions;
  readonly #caches = new Map<string, WatchCache<KubeObject>>();
  /** What is wrong with single kinds, while the cluster itself answers. */
  readonly #problems = new Map<string, HayloftError>();
  readonly #alarm = new Alarm();
  readonly #closed = new AbortController();
  #view: Cluster;
  #client: ApiClient | undefined;
  #reach: Exclude<ClusterState, 'degraded'> = 'connecting';
  #trouble: HayloftError | undefined;
  #lastHeard: number | undefined;
  #probing = false;
  #waiting: Waiter[] = [];

  constructor(options: ConnectionOptions) {
    this.id = options.id;
    this.local = options.local;
    this.#options = options;
    this.#view = {
      id: options.id,
      name: options.name,
      server: '',
      flavour: options.local ? 'engine' : 'unknown',
      local: options.local,
      state: 'connecting',
      since: Date.now(),
    };
  }

  /** Writes to the log, with the cluster's id. */
  warn(message: string, fields: Record<string, unknown>): void {
    this.#options.warn(message, { cluster: this.id, ...fields });
  }

  get view(): Cluster {
    return this.#view;
  }

  /** How it is reached. @throws HayloftError why it cannot be, when there is no way at all */
  access(): Access {
    if (!this.#client) throw this.#whyNot();
    return this.#client.access;
  }

  /** Gives it another name in the app. */
  rename(name: string): void {
    this.#show({ name });
  }

  /** Connects with new credentials; with the same ones, when there is reason to think that it may work now. */
  connect(access: Access): void {
    if (JSON.stringify(this.#client?.access) !== JSON.stringify(access)) {
      this.#client?.close();
      this.#client = new ApiClient(access);
      this.#show({ server: access.server });
    }
    this.#alarm.ring();
    this.#probe();
  }

  /** The cluster cannot be connected to at all, for a reason that lies on this side of it. */
  fail(error: HayloftError): void {
    this.#client?.close();
    this.#client = undefined;
    this.#enter('unreachable', error);
  }

  /**
   * For requests that a person waits for: resolves at once, or as soon as a first try to connect has succeeded.
   * Throws a HayloftError when the cluster is not to be had now.
   */
  client(signal?: AbortSignal): Promise<ApiClient> {
    if (this.#reach === 'ready' && this.#client) return Promise.resolve(this.#client);
    if (this.#reach !== 'connecting') return Promise.reject(this.#whyNot());
    return new Promise((resolve, reject) => {
      const waiter = { resolve, reject };
      this.#waiting.push(waiter);
      signal?.addEventListener('abort', () => {
        this.#waiting = this.#waiting.filter((other) => other !== waiter);
        reject(abortReason(signal));
      }, { once: true });
    });
  }

  /** What is known of one kind's objects; the same cache for everyone. */
  cache<T extends KubeObject>(kind: Kind<T>): WatchCache<T> {
    const id = `${kind.base}/${kind.plural}`;
    const known = this.#caches.get(id) as WatchCache<T> | undefined;
    if (known) return known;
    const cache = new WatchCache(kind, {
      client: (signal) => this.client(signal),
      heard: () => (this.#lastHeard = Date.now()),
      report: (error) => this.#report(id, error),
      pause: (ms, signal) => this.#alarm.sleep(ms, signal),
    });
    this.#caches.set(id, cache);
    return cache;
  }

  close(): void {
    this.#closed.abort(new HayloftError('cancelled', 'Hayloft is closing.'));
    for (const cache of this.#caches.values()) cache.stop();
    for (const { reject } of this.#waiting.splice(0)) reject(abortReason(this.#closed.signal));
    this.#client?.close();
  }

  #report(id: string, error: HayloftError | undefined): void {
    if (error === undefined) {
      if (this.#problems.delete(id)) this.#show({});
    } else if (error.code === 'forbidden' || error.code === 'not-found' || error.code === 'unsupported') {
      // One kind is not to be had; the cluster itself answers.
      this.#problems.set(id, error);
      this.#show({});
    } else if (error.code !== 'cancelled') {
      this.#probe();
    }
  }

  /** Asks until the cluster answers. One at a time. */
  #probe(): void {
    if (this.#probing) return;
    this.#probing = true;
    void this.#ask().finally(() => (this.#probing = false));
  }

  async #ask(): Promise<void> {
    const { signal } = this.#closed;
    const closed = (): boolean => signal.aborted;
    const backoff = new Backoff(firstProbeMs, slowestProbeMs);
    while (!closed()) {
      const client = this.#client;
      if (!client) return;
      try {
        const found = await askFlavour(client, { signal, timeoutMs: probeTimeoutMs });
        if (client !== this.#client) continue;
        this.#lastHeard = Date.now();
        this.#show(found);
        this.#enter('ready', undefined);
        this.#alarm.ring();
        for (const { resolve } of this.#waiting.splice(0)) resolve(client);
        return;
      } catch (error) {
        if (closed()) return;
        if (client !== this.#client) continue;
        const known = asHayloftError(error);
        this.#enter(known.code === 'unauthorized' ? 'unauthorized' : 'unreachable', known);
        await this.#alarm.sleep(backoff.next(), signal);
      }
    }
  }

  #enter(reach: Exclude<ClusterState, 'degraded'>, trouble: HayloftError | undefined): void {
    this.#reach = reach;
    this.#trouble = trouble;
    if (reach === 'unreachable' || reach === 'unauthorized') {
      for (const { reject } of this.#waiting.splice(0)) reject(this.#whyNot());
    }
    this.#show({});
  }

  /** Works out the view anew, and tells it when something in it is different. */
  #show(change: Partial<Cluster>): void {
    const [problem] = this.#problems.values();
    const state = this.#reach === 'ready' && problem ? 'degraded' : this.#reach;
    const error = this.#trouble ?? (state === 'degraded' ? problem : undefined);
    const before = this.#view;
    const view: Cluster = {
      ...before,
      ...change,
      state,
      since: state === before.state ? before.since : Date.now(),
      ...(this.#lastHeard === undefined ? {} : { lastSeen: this.#lastHeard }),
    };
    if (error === undefined) delete view.error;
    else view.error = error.toData();
    const same = JSON.stringify({ ...view, lastSeen: 0 }) === JSON.stringify({ ...this.#view, lastSeen: 0 });
    this.#view = view;
    if (!same) this.#options.changed(view);
  }

  #whyNot(): HayloftError {
    return (
      this.#trouble ??
      new HayloftError('unreachable', `${this.#view.name} cannot be reached now.`, {
        hint: 'Hayloft keeps trying to connect.',
        retryable: true,
      })
    );
  }
}

/** One cluster: how to reach it, how it stands, and what is known of its objects. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from '#shared/contract/clusters.ts';
import { HayloftError, asHayloftError } from '#shared/contract/errors.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import { ApiClient } from './api-client.ts';
import type { Kind } from './kinds.ts';
import type { Access } from './kubeconfig.ts';
import { WatchCache } from './watch-cache.ts';

const probeRetryMs = 500;
const slowestProbeMs = 15_000;

interface VersionAnswer {
  gitVersion?: string;
}

interface GroupList {
  groups: { name: string }[];
}

export interface ConnectionOptions {
  id: string;
  name: string;
  local: boolean;
  /** Called after each change of `view`. */
  changed(view: Cluster): void;
}

export class ClusterConnection {
  readonly id: string;
  readonly local: boolean;
  readonly #options: ConnectionOptions;
  readonly #caches = new Map<string, WatchCache<KubeObject>>();
  #view: Cluster;
  #client: ApiClient | undefined;
  #probing: Promise<void> | undefined;
  #closed = new AbortController();
  #waiting: { resolve: (client: ApiClient) => void; reject: (error: Error) => void }[] = [];

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

  get view(): Cluster {
    return this.#view;
  }

  /** Connects with new credentials; also again with the same ones, when there is reason to think that it may work now. */
  connect(access: Access): void {
    const same = JSON.stringify(this.#client?.access) === JSON.stringify(access);
    if (!same) {
      this.#client?.close();
      this.#client = new ApiClient(access);
      this.#update({ server: access.server });
    }
    void this.#probe();
  }

  /** The cluster cannot be connected to at all, for a reason that lies on this side of it. */
  fail(error: HayloftError): void {
    this.#update({ state: 'unreachable', error: error.toData() });
  }

  /** For requests that a person waits for. Throws when the cluster is not to be had now. */
  client(): ApiClient {
    if (this.#client && this.#view.state !== 'unreachable') return this.#client;
    throw new HayloftError('unreachable', `${this.#view.name} cannot be reached now.`, {
      hint: this.#view.error?.hint ?? 'Hayloft keeps trying to connect.',
      retryable: true,
    });
  }

  /** What is known of one kind's objects; the same cache for everyone. */
  cache<T extends KubeObject>(kind: Kind<T>): WatchCache<T> {
    const id = `${kind.base}/${kind.plural}`;
    const known = this.#caches.get(id) as WatchCache<T> | undefined;
    if (known) return known;
    const cache = new WatchCache(kind, { client: (signal) => this.#whenReady(signal), heard: (error) => this.#heard(error) });
    this.#caches.set(id, cache);
    return cache;
  }

  close(): void {
    this.#closed.abort();
    for (const cache of this.#caches.values()) cache.stop();
    this.#client?.close();
  }

  #whenReady(signal: AbortSignal): Promise<ApiClient> {
    const { state } = this.#view;
    if (this.#client && (state === 'ready' || state === 'degraded')) return Promise.resolve(this.#client);
    if (state === 'unreachable' || state === 'unauthorized') {
      // Whoever waits for a first answer learns how things stand; the cache asks again after a pause.
      void this.#probe();
      return Promise.reject(this.#trouble());
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
    });
  }

  #heard(error?: HayloftError): void {
    if (error === undefined) {
      const { state } = this.#view;
      this.#view = { ...this.#view, lastSeen: Date.now() };
      if (state !== 'ready') this.#update({ state: 'ready', error: undefined });
    } else if (error.code === 'unauthorized') {
      this.#update({ state: 'unauthorized', error: error.toData() });
    } else if (error.code === 'forbidden' || error.code === 'not-found') {
      // One kind is not to be had; the cluster itself answers.
      this.#update({ state: 'degraded', error: error.toData() });
    } else {
      void this.#probe();
    }
  }

  /** Asks until the cluster answers. One at a time. */
  #probe(): Promise<void> {
    this.#probing ??= this.#ask().finally(() => (this.#probing = undefined));
    return this.#probing;
  }

  async #ask(): Promise<void> {
    const { signal } = this.#closed;
    const closed = (): boolean => signal.aborted;
    for (let pause = probeRetryMs; !closed(); pause = Math.min(pause * 2, slowestProbeMs)) {
      const client = this.#client;
      if (!client) return;
      try {
        const [version, groups] = await Promise.all([
          client.call<VersionAnswer>('GET', '/version', { signal }),
          client.call<GroupList>('GET', '/apis', { signal }),
        ]);
        this.#update({
          state: 'ready',
          error: undefined,
          lastSeen: Date.now(),
          flavour: flavourOf(version, groups),
          ...(version.gitVersion === undefined ? {} : { version: version.gitVersion }),
        });
        for (const { resolve } of this.#waiting.splice(0)) resolve(client);
        return;
      } catch (error) {
        if (closed()) return;
        const known = asHayloftError(error);
        this.#update({ state: known.code === 'unauthorized' ? 'unauthorized' : 'unreachable', error: known.toData() });
        await delay(pause, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  #update(change: Partial<{ [K in keyof Cluster]: Cluster[K] | undefined }>): void {
    const before = this.#view;
    const merged = { ...before, ...change };
    if (merged.error === undefined) delete merged.error;
    if (merged.state !== before.state) merged.since = Date.now();
    this.#view = merged;
    if (merged.state === 'unreachable' || merged.state === 'unauthorized') {
      for (const { reject } of this.#waiting.splice(0)) reject(this.#trouble());
    }
    this.#options.changed(merged);
  }

  #trouble(): HayloftError {
    const { error } = this.#view;
    if (error) return HayloftError.fromData(error);
    return new HayloftError('unreachable', `${this.#view.name} cannot be reached now.`, { retryable: true });
  }
}

function flavourOf(version: VersionAnswer, { groups }: GroupList): Cluster['flavour'] {
  const has = (name: string): boolean => groups.some((group) => group.name === name);
  if (/hayloft/i.test(version.gitVersion ?? '')) return 'engine';
  if (has('harvesterhci.io')) return 'harvester';
  return has('kubevirt.io') ? 'kubevirt' : 'unknown';
}

/** One cluster: how to reach it, how it stands, and what is known of its objects. */
import type { Cluster, ClusterState } from '#shared/contract/clusters.ts';
import { HayloftError } from '#shared/contract/errors.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import type { Access } from './access.ts';
import { Alarm } from './alarm.ts';
import { abortReason, ApiClient } from './api-client.ts';
import { AnswerError } from './api-errors.ts';
import { askCapabilities, type CapabilitiesView } from './capabilities/capabilities.ts';
import type { ServedGroups } from './capabilities/versions.ts';
import { virtualMachines, type Kind } from './kinds.ts';
import { Liveness } from './liveness.ts';
import { Troubles } from './troubles.ts';
import { WatchCache } from './watch-cache.ts';

export interface ConnectionOptions {
  id: string;
  name: string;
  local: boolean;
  /** Called after each change of `view`. */
  changed(view: Cluster): void;
  /** For the log. */
  warn(message: string, fields: Record<string, unknown>): void;
  /** Whether somebody looks at how clusters stand; default: always. */
  watched?(): boolean;
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
  readonly #troubles = new Troubles(() => this.#show({}));
  readonly #alarm = new Alarm();
  readonly #liveness: Liveness;
  #capabilities: CapabilitiesView | undefined;
  readonly #stale = new Set<() => void>();
  #view: Cluster;
  #client: ApiClient | undefined;
  #reach: Exclude<ClusterState, 'degraded'> = 'connecting';
  /** Why it is out of reach. */
  #obstacle: HayloftError | undefined;
  /** It answers, and says itself that it cannot work. */
  #ailment: HayloftError | undefined;
  #lastHeard: number | undefined;
  #waiting: Waiter[] = [];
  /** Kinds of which only these namespaces are read. */
  readonly #narrowed = new Map<string, readonly string[] | undefined>();

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
    this.#liveness = new Liveness({
      watched: () => options.watched?.() ?? true,
      heard: () => (this.#lastHeard = Date.now()),
      ready: (client, { groups, ...found }) => {
        const back = this.#reach !== 'connecting';
        client.served = groups;
        this.#show(found);
        this.#enter('ready', undefined);
        // What was asked while it was away may wait for an answer that never comes.
        if (back) this.#renew();
        this.#alarm.ring();
        for (const { resolve } of this.#waiting.splice(0)) resolve(client);
        void this.#learn(client, found.flavour, groups);
      },
      lost: (error) => this.#enter(error.code === 'unauthorized' ? 'unauthorized' : 'unreachable', error),
      ailing: (error) => {
        this.#ailment = error;
        this.#show({});
      },
      stale: () => this.#renew(),
    });
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
    if (JSON.stringify(this.#client?.access) === JSON.stringify(access)) {
      this.look();
      return;
    }
    this.#client?.close();
    this.#client = new ApiClient(access);
    this.#show({ server: access.server });
    if (this.#reach === 'ready') this.#renew();
    this.#liveness.begin(this.#client);
    this.#alarm.ring();
  }

  /** Looks at once how it stands, whatever pause was being made. */
  look(): void {
    this.#liveness.doubt();
    this.#alarm.ring();
  }

  /** Connections from before may lead nowhere, as this computer slept or moved: makes new ones. */
  reconnect(): void {
    this.#renew();
    this.look();
  }

  /** The cluster cannot be connected to at all, for a reason that lies on this side of it. */
  fail(error: HayloftError): void {
    this.#liveness.end();
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
      // The first list is the best question whether a cluster answers; far away, asking twice takes twice as long.
      client: (signal) => (this.#reach === 'connecting' && this.#client && !kind.optional ? Promise.resolve(this.#client) : this.#clientFor(kind, signal)),
      report: (error) => this.#report(kind.plural, kind.optional && error?.code === 'not-found' ? undefined : error),
      pause: (ms, signal) => this.#alarm.sleep(ms, signal),
      onStale: (callback) => {
        this.#stale.add(callback);
        return () => void this.#stale.delete(callback);
      },
      namespaces: () => Promise.resolve([this.#client?.access.namespace ?? 'default']),
      narrowed: (namespaces) => {
        this.#narrowed.set(kind.plural, namespaces);
        this.#show({});
      },
    });
    this.#caches.set(id, cache);
    return cache;
  }

  close(): void {
    this.#liveness.end();
    this.#troubles.close();
    for (const cache of this.#caches.values()) cache.stop();
    const closing = new HayloftError('cancelled', 'Hayloft is closing.');
    for (const { reject } of this.#waiting.splice(0)) reject(closing);
    this.#client?.close();
  }

  /** @throws AnswerError as the cluster's own 404 where it does not serve an optional kind, without asking it */
  async #clientFor(kind: Kind<KubeObject>, signal: AbortSignal): Promise<ApiClient> {
    const client = await this.client(signal);
    const [, , group = ''] = kind.base.split('/');
    if (kind.optional && client.served?.has(group) === false) throw new AnswerError({ httpStatus: 404, named: false }, 'not-found', `This cluster does not serve ${group}.`);
    return client;
  }

  async #learn(client: ApiClient, flavour: Cluster['flavour'], groups: ServedGroups): Promise<void> {
    const capabilities = await askCapabilities(client, flavour, groups);
    if (client !== this.#client) return;
    this.#capabilities = capabilities;
    this.#show({});
  }

  /** Every open watch goes on over a new connection. */
  #renew(): void {
    this.#client?.dropConnections();
    for (const callback of [...this.#stale]) callback();
  }

  #report(resource: string, error: HayloftError | undefined): void {
    if (error?.code === 'cancelled') return;
    this.#troubles.set(resource, error);
    const own = error instanceof AnswerError && error.code !== 'unauthorized';
    if (error !== undefined && !own) this.#liveness.suspect();
  }

  #enter(reach: Exclude<ClusterState, 'degraded'>, obstacle: HayloftError | undefined): void {
    this.#reach = reach;
    this.#obstacle = obstacle;
    if (reach === 'unreachable' || reach === 'unauthorized') {
      for (const { reject } of this.#waiting.splice(0)) reject(this.#whyNot());
    }
    this.#show({});
  }

  /** Works out the view anew, and tells it when something in it is different. */
  #show(change: Partial<Cluster>): void {
    const problem = this.#reach === 'ready' ? (this.#ailment ?? this.#troubles.worst()) : undefined;
    const state = problem ? 'degraded' : this.#reach;
    const error = this.#obstacle ?? problem;
    const before = this.#view;
    const view: Cluster = {
      ...before,
      ...change,
      state,
      since: state === before.state ? before.since : Date.now(),
      ...(this.#lastHeard === undefined ? {} : { lastSeen: this.#lastHeard }),
      withheld: this.#troubles.withheld(),
      ...(this.#capabilities ? { capabilities: this.#capabilities } : {}),
    };
    if (error === undefined) delete view.error;
    else view.error = error.toData();
    if (view.withheld?.length === 0) delete view.withheld;
    const namespaces = this.#narrowed.get(virtualMachines.plural);
    if (namespaces) view.namespaces = [...namespaces];
    else delete view.namespaces;
    const same = JSON.stringify({ ...view, lastSeen: 0 }) === JSON.stringify({ ...this.#view, lastSeen: 0 });
    this.#view = view;
    if (!same) this.#options.changed(view);
  }

  #whyNot(): HayloftError {
    return (
      this.#obstacle ??
      new HayloftError('unreachable', `${this.#view.name} cannot be reached now.`, {
        hint: 'Hayloft keeps trying to connect.',
        retryable: true,
      })
    );
  }
}

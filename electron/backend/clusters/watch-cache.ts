/**
 * All objects of one kind on one cluster, kept up to date by a list and a watch that goes on from it. Works only while
 * somebody looks; keeps what it knows when the cluster cannot be reached. Where the user may not read the whole
 * cluster, it reads the namespaces that they may. Of kinds with many objects it keeps what lists need, and the whole of
 * those that are pinned.
 */
import { asHayloftError, type HayloftError } from '#shared/contract/errors.ts';
import type { KubeObject, WatchEvent } from '#shared/kube/object.ts';
import { Backoff } from './alarm.ts';
import { Follower, type FollowerHost, type FollowerSink } from './follower.ts';
import { pathOf, type Kind } from './kinds.ts';
import { Countdown, Milestone } from './milestone.ts';
import { Pins, type Pin } from './pins.ts';
import { trim } from './trim.ts';

const lingerMs = 30_000;
const askAgainMs = { first: 2000, later: 60_000 };

export interface CacheHost extends FollowerHost {
  /** The namespaces to read where the whole cluster may not be read. */
  namespaces(signal: AbortSignal): Promise<readonly string[]>;
  /** Only these namespaces are read from now on; undefined: the whole cluster. */
  narrowed(namespaces: readonly string[] | undefined): void;
}

export type KeyListener = (keys: ReadonlySet<string>) => void;

export class WatchCache<T extends KubeObject> {
  readonly objects = new Map<string, T>();
  readonly #kind: Kind<T>;
  readonly #host: CacheHost;
  readonly #listeners = new Set<KeyListener>();
  #running: AbortController | undefined;
  #linger: NodeJS.Timeout | undefined;
  readonly #begun = new Milestone();
  readonly #complete = new Milestone();
  readonly #pins: Pins<T>;

  constructor(kind: Kind<T>, host: CacheHost) {
    this.#kind = kind;
    this.#host = host;
    this.#pins = new Pins(kind, host, this.objects, (key) => this.#tell(new Set([key])));
  }

  /** `namespace/name` of an object, or its name alone where its kind has no namespaces. */
  static key(object: KubeObject): string {
    const { namespace, name } = object.metadata;
    return namespace === undefined ? (name ?? '') : `${namespace}/${name ?? ''}`;
  }

  /** Whether somebody looks, or did a moment ago. */
  get running(): boolean {
    return this.#running !== undefined;
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

  /** Keeps the object of this key whole, whenever there is one, until it is released. */
  pin(key: string): Pin {
    return this.#pins.add(key);
  }

  /** The object with all that it has, if that is known. */
  whole(key: string): T | undefined {
    return this.#pins.isWhole(key) ? this.objects.get(key) : undefined;
  }

  /** Resolves when the first page of the list is known, or the first try to get it has failed. Needs a watcher. */
  settled(): Promise<void> {
    return this.#begun.reached();
  }

  /** Resolves when all of the list is known, or the first try to get it has failed. Needs a watcher. */
  completed(): Promise<void> {
    return this.#complete.reached();
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

  /** Something else than the objects is different that rows are made of: tells the listeners of these objects. */
  touch(concerned: (key: string) => boolean): void {
    this.#tell(new Set([...this.objects.keys()].filter(concerned)));
  }

  stop(): void {
    clearTimeout(this.#linger);
    this.#running?.abort();
    this.#running = undefined;
    this.#begun.forget();
    this.#complete.forget();
    this.#host.report(undefined);
  }

  #start(): AbortController {
    const controller = new AbortController();
    void this.#run(controller.signal);
    return controller;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const stopped = (): boolean => signal.aborted;
    const whole = new Follower(pathOf(this.#kind, undefined), this.#host, this.#sink(undefined, this.#complete));
    while (!stopped()) {
      try {
        await whole.run(signal);
      } catch (error) {
        if (stopped()) return;
        const refusal = asHayloftError(error);
        const allowed = new AbortController();
        const parts = this.#readParts(refusal, AbortSignal.any([signal, allowed.signal]));
        await this.#untilAllowed(signal);
        allowed.abort();
        await parts;
        this.#host.narrowed(undefined);
      }
    }
  }

  /** Waits until it is worth a try to read all of it again. Rights are given and taken seldom. */
  async #untilAllowed(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(askAgainMs.first, askAgainMs.later);
    while (!signal.aborted) {
      await this.#host.pause(backoff.next(), signal);
      try {
        const client = await this.#host.client(signal);
        await client.call('GET', `${pathOf(this.#kind, undefined)}?limit=1`, { signal });
        return;
      } catch {
        // It is as before, which the host was told; or the cluster is away, which it knows.
      }
    }
  }

  /** Reads the namespaces that may be read, in the place of the whole. */
  async #readParts(refusal: HayloftError, signal: AbortSignal): Promise<void> {
    const mayBePart = refusal.code === 'forbidden' && this.#kind.clusterWide !== true;
    const namespaces = mayBePart ? await this.#host.namespaces(signal).catch(() => []) : [];
    if (namespaces.length === 0) this.#giveUp();
    else this.#host.narrowed(namespaces);
    const verdicts = new Map<string, HayloftError | undefined>();
    const report = (namespace: string, error: HayloftError | undefined): void => {
      verdicts.set(namespace, error);
      const all = [...verdicts.values()];
      const trouble = all.find((verdict) => verdict && verdict.code !== 'forbidden' && verdict.code !== 'cancelled');
      const none = verdicts.size === namespaces.length && all.every((verdict) => verdict?.code === 'forbidden');
      this.#host.report(none ? refusal : trouble);
    };
    const complete = new Countdown(namespaces.length, () => this.#complete.reach());
    await Promise.all(
      namespaces.map(async (namespace) => {
        const host = { ...this.#host, report: (error: HayloftError | undefined) => report(namespace, error) };
        const milestone = complete.part();
        // Ends only when this one may not be read either; what is known of the others stays.
        await new Follower(pathOf(this.#kind, namespace), host, this.#sink(namespace, milestone)).run(signal).catch(() => undefined);
      }),
    );
  }

  /** What a list and a watch over a namespace, or over all of them, do to what is known. */
  #sink(namespace: string | undefined, complete: Pick<Milestone, 'reach'>): FollowerSink<T> {
    let unseen = new Set<string>();
    return {
      begin: () => {
        const keys = [...this.objects.keys()];
        unseen = new Set(namespace === undefined ? keys : keys.filter((key) => key.startsWith(`${namespace}/`)));
      },
      page: (items) => {
        const changed = new Set<string>();
        for (const object of items) {
          const key = WatchCache.key(object);
          unseen.delete(key);
          const known = this.objects.get(key)?.metadata;
          const same = known?.resourceVersion === object.metadata.resourceVersion && known?.uid === object.metadata.uid;
          if (same && !this.#pins.wants(key)) continue;
          this.objects.set(key, this.#pins.keep(key, trim(object)));
          changed.add(key);
        }
        this.#tell(changed);
        this.#begun.reach();
      },
      end: () => {
        for (const key of unseen) this.objects.delete(key);
        this.#tell(unseen);
        complete.reach();
      },
      apply: (event) => this.#apply(event),
      failed: (error) => {
        if (error.code === 'cancelled') return;
        if (namespace === undefined && error.code === 'forbidden') return;
        this.#begun.reach();
        complete.reach();
      },
    };
  }

  #giveUp(): void {
    this.#begun.reach();
    this.#complete.reach();
  }

  #apply(event: WatchEvent<T>): void {
    const key = WatchCache.key(event.object);
    if (event.type === 'DELETED') this.objects.delete(key);
    else this.objects.set(key, this.#pins.keep(key, trim(event.object)));
    this.#tell(new Set([key]));
  }

  #tell(keys: ReadonlySet<string>): void {
    if (keys.size === 0) return;
    for (const listener of [...this.#listeners]) listener(keys);
  }
}


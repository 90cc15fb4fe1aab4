/** The few objects that are kept whole, of a kind of which the others are kept lean: those that somebody looks at. */
import { asHayloftError } from '#shared/contract/errors.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import { Backoff } from './alarm.ts';
import type { FollowerHost } from './follower.ts';
import { pathOf, type Kind } from './kinds.ts';
import { Milestone } from './milestone.ts';
import { trim } from './trim.ts';

const askAgainMs = { first: 500, later: 10_000 };

export interface Pin {
  /** Resolves when the object is known whole, is not there, or could not be had at the first try: that goes on. */
  ready: Promise<void>;
  release(): void;
}

interface Pinned {
  by: number;
  whole: boolean;
  ready: Milestone;
  /** Ends the asking for it. */
  over: AbortController;
}

export class Pins<T extends KubeObject> {
  readonly #kind: Kind<T>;
  readonly #host: Pick<FollowerHost, 'client' | 'pause'>;
  readonly #objects: Map<string, T>;
  readonly #told: (key: string) => void;
  readonly #pinned = new Map<string, Pinned>();

  /** @param told called when an object that was known is known whole now */
  constructor(kind: Kind<T>, host: Pick<FollowerHost, 'client' | 'pause'>, objects: Map<string, T>, told: (key: string) => void) {
    this.#kind = kind;
    this.#host = host;
    this.#objects = objects;
    this.#told = told;
  }

  add(key: string): Pin {
    if (!this.#isLean) return { ready: Promise.resolve(), release: () => undefined };
    let pinned = this.#pinned.get(key);
    if (!pinned) {
      pinned = { by: 0, whole: false, ready: new Milestone(), over: new AbortController() };
      this.#pinned.set(key, pinned);
      // One that is not known yet comes whole.
      if (this.#objects.has(key)) void this.#ask(key, pinned);
      else pinned.ready.reach();
    }
    pinned.by += 1;
    const own = pinned;
    let held = true;
    return {
      ready: own.ready.reached(),
      release: () => {
        if (held && --own.by === 0) this.#remove(key, own);
        held = false;
      },
    };
  }

  /** What is to be kept of an object that the cluster has just told. */
  keep(key: string, object: T): T {
    const pinned = this.#pinned.get(key);
    if (pinned) {
      pinned.whole = true;
      pinned.ready.reach();
      return object;
    }
    return this.#leanOf(object);
  }

  isWhole(key: string): boolean {
    return !this.#isLean || this.#pinned.get(key)?.whole === true;
  }

  /** It is to be whole, and is not. */
  wants(key: string): boolean {
    return this.#pinned.get(key)?.whole === false;
  }

  get #isLean(): boolean {
    return this.#kind.lean !== undefined && this.#kind.lean.enough !== true;
  }

  #remove(key: string, pinned: Pinned): void {
    this.#pinned.delete(key);
    pinned.over.abort();
    const object = this.#objects.get(key);
    if (pinned.whole && object) this.#objects.set(key, this.#leanOf(object));
  }

  async #ask(key: string, pinned: Pinned): Promise<void> {
    const { signal } = pinned.over;
    const settled = (): boolean => signal.aborted || pinned.whole;
    const [namespace, name] = key.includes('/') ? key.split('/') : [undefined, key];
    const backoff = new Backoff(askAgainMs.first, askAgainMs.later);
    while (!settled()) {
      try {
        const client = await this.#host.client(signal);
        const object = await client.call<T>('GET', pathOf(this.#kind, namespace, name), { signal });
        // The watch may have told of it meanwhile, or of its end.
        if (settled() || !this.#objects.has(key)) break;
        this.#objects.set(key, this.keep(key, trim(object)));
        this.#told(key);
      } catch (error) {
        pinned.ready.reach();
        // The watch will say so, too.
        if (signal.aborted || asHayloftError(error).code === 'not-found') break;
        await this.#host.pause(backoff.next(), signal);
      }
    }
    pinned.ready.reach();
  }

  /** An object that nobody foresaw is kept as it is. */
  #leanOf(object: T): T {
    try {
      return this.#kind.lean?.of(object) ?? object;
    } catch {
      return object;
    }
  }
}

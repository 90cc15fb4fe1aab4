/** Pauses that can be cut short for everyone at once. */
import { setTimeout as delay } from 'node:timers/promises';

export class Alarm {
  #ring = new AbortController();

  /** Resolves after the time, when the alarm rings, or when `signal` aborts; never rejects. */
  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    await delay(ms, undefined, { signal: AbortSignal.any([signal, this.#ring.signal]), ref: false }).catch(() => undefined);
  }

  /** Wakes everyone who sleeps now. */
  ring(): void {
    this.#ring.abort();
    this.#ring = new AbortController();
  }
}

/**
 * Pauses between tries that grow up to a limit, each a random part of what it could be, so that many who failed
 * together do not come back together.
 */
export class Backoff {
  readonly #firstMs: number;
  readonly #longestMs: number;
  #nextMs: number;

  constructor(firstMs: number, longestMs: number) {
    this.#firstMs = firstMs;
    this.#longestMs = longestMs;
    this.#nextMs = firstMs;
  }

  /** The pause before the next try, in milliseconds. */
  next(): number {
    const pause = this.#nextMs * (0.5 + Math.random() / 2);
    this.#nextMs = Math.min(this.#nextMs * 2, this.#longestMs);
    return pause;
  }

  /** A try went well: the next failure is a first one. */
  reset(): void {
    this.#nextMs = this.#firstMs;
  }
}

/** Places for what may go on at the same time; others wait in the order in which they came. */
import { abortReason } from '../clusters/api-client.ts';

export class UploadQueue {
  readonly #waiting: (() => void)[] = [];
  #free: number;
  #places: number;

  constructor(places: number) {
    this.#free = places;
    this.#places = places;
  }

  /** From now on so many at the same time; those that are in come to their end. */
  setPlaces(places: number): void {
    this.#free += places - this.#places;
    this.#places = places;
    while (this.#free > 0) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#free -= 1;
      next();
    }
  }

  /** @returns what gives the place back, to be called once; rejects with the signal's reason */
  async enter(signal: AbortSignal): Promise<() => void> {
    if (signal.aborted) throw abortReason(signal);
    if (this.#free > 0) this.#free -= 1;
    else await this.#turn(signal);
    return () => {
      // There may be fewer places by now.
      const next = this.#free < 0 ? undefined : this.#waiting.shift();
      if (next) next();
      else this.#free += 1;
    };
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const called = (): void => {
        signal.removeEventListener('abort', left);
        resolve();
      };
      const left = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(called), 1);
        reject(abortReason(signal));
      };
      this.#waiting.push(called);
      signal.addEventListener('abort', left, { once: true });
    });
  }
}

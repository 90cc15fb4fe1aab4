/** Places for what may go on at the same time; others wait in the order in which they came. */
import { abortReason } from '../clusters/api-client.ts';

export class UploadQueue {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(places: number) {
    this.#free = places;
  }

  /** @returns what gives the place back, to be called once; rejects with the signal's reason */
  async enter(signal: AbortSignal): Promise<() => void> {
    if (signal.aborted) throw abortReason(signal);
    if (this.#free > 0) this.#free -= 1;
    else await this.#turn(signal);
    return () => {
      const next = this.#waiting.shift();
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

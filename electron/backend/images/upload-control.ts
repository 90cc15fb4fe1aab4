/** A person's hand on one upload: it goes on, stands still, or is over. */
import { HayloftError } from '#shared/contract/errors.ts';
import { abortReason } from '../clusters/api-client.ts';

/** Why an upload is over before its end. */
export type UploadStop = 'cancel' | 'leave';

export class UploadControl {
  readonly #over = new AbortController();
  #try = new AbortController();
  #paused: PromiseWithResolvers<undefined> | undefined;
  #stop: UploadStop | undefined;

  /** @param paused whether it stands still from the beginning */
  constructor(paused = false) {
    if (paused) this.pause();
  }

  /** Aborts when it is over. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  get paused(): boolean {
    return this.#paused !== undefined;
  }

  /** How it was ended; undefined while it was not. `leave`: what is there stays, for the app's next run. */
  get stopped(): UploadStop | undefined {
    return this.#stop;
  }

  /** Of one try to send: aborts when it is to stand still, or is over. */
  get trying(): AbortSignal {
    return AbortSignal.any([this.#over.signal, this.#try.signal]);
  }

  pause(): void {
    if (this.paused) return;
    this.#paused = Promise.withResolvers();
    this.#try.abort(new HayloftError('cancelled', 'The upload is paused.'));
  }

  resume(): void {
    this.#try = new AbortController();
    this.#paused?.resolve(undefined);
    this.#paused = undefined;
  }

  end(how: UploadStop): void {
    this.#stop ??= how;
    this.#over.abort(new HayloftError('cancelled', 'The upload was canceled.'));
  }

  /** Resolves while it does not stand still; rejects once it is over. */
  async going(): Promise<void> {
    const over = new Promise<never>((_resolve, reject) => {
      this.signal.addEventListener('abort', () => reject(abortReason(this.signal)), { once: true });
    });
    over.catch(() => undefined);
    while (this.#paused) await Promise.race([this.#paused.promise, over]);
    if (this.signal.aborted) throw abortReason(this.signal);
  }
}

/**
 * The SHA-256 of what is sent. A file is read a second time, close to where the sender is, so that its bytes are still in
 * memory, whoever sends them: this process, the engine that reads the file itself, or a server that is asked for parts.
 */
import { Worker } from 'node:worker_threads';
import { HayloftError } from '#shared/contract/errors.ts';
import { fileChanged } from '#shared/images/file-changed.ts';
import type { FileIdentity } from '../file-identity.ts';
import type { HashAnswer, HashRequest } from './hash-worker.ts';

/** How far it reads ahead of the sender: what a computer keeps in memory, and enough to be done when the sender is. */
const aheadBytes = 256 * 2 ** 20;
/** Bytes on their way to the thread before the sender waits for it. */
const mostOnTheWay = 8 * 2 ** 20;
/** It needs next to nothing: what it reads into is outside of the heap. */
const limits = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 };
/** The thread's program: beside this one, in the sources as in what was built of them. */
const program = new URL(`./hash-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

export class FileHash {
  readonly #file: FileIdentity | undefined;
  readonly #worker: Worker;
  readonly #sum = Promise.withResolvers<string>();
  #onTheWay = 0;
  #caughtUp = (): void => undefined;

  /** @param file what is read; without it the bytes are given by `take` */
  constructor(file?: FileIdentity) {
    this.#file = file;
    this.#worker = new Worker(program, { workerData: file, resourceLimits: limits });
    this.#sum.promise.catch(() => undefined);
    this.#worker.on('message', (answer: HashAnswer) => this.#answered(answer));
    const lost = (cause: unknown): void => this.#fail(new HayloftError('internal', 'The checksum could not be worked out.', { cause }));
    this.#worker.on('error', lost);
    this.#worker.on('exit', lost);
    // What runs to its end without being asked for its sum holds nobody up.
    this.#worker.unref();
    this.reached(0);
  }

  /** The sender has come this far into the file. */
  reached(sentBytes: number): void {
    if (this.#file) this.#ask({ until: sentBytes + aheadBytes });
  }

  /** The next bytes of what cannot be read again. Resolves when more may come; the bytes may be used for something else then. */
  async take(bytes: Uint8Array): Promise<void> {
    this.#onTheWay += bytes.byteLength;
    this.#ask({ bytes });
    if (this.#onTheWay > mostOnTheWay) await Promise.race([new Promise<void>((resolve) => (this.#caughtUp = resolve)), this.#sum.promise]);
  }

  /** @returns the sum of the whole, in hex. Throws HayloftError `truncated` when the file is not the one any more that it was. */
  finish(): Promise<string> {
    this.#ask({ end: true });
    return this.#sum.promise;
  }

  /** It is not needed any more. */
  end(): void {
    void this.#worker.terminate();
  }

  #ask(request: HashRequest): void {
    this.#worker.postMessage(request);
  }

  #answered(answer: HashAnswer): void {
    if ('sha256' in answer) this.#sum.resolve(answer.sha256);
    else if ('changed' in answer) this.#fail(fileChanged());
    else {
      this.#onTheWay -= answer.taken;
      if (this.#onTheWay <= mostOnTheWay) this.#caughtUp();
    }
  }

  #fail(error: HayloftError): void {
    this.#sum.reject(error);
    this.#caughtUp();
  }
}

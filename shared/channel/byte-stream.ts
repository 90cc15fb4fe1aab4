/** One end of a byte stream with credit: the same at the renderer's end and at the backend's. */
import { HayloftError } from '../contract/errors.ts';
import { INITIAL_CREDIT, MAX_DATA_BYTES } from './frames.ts';
import type { ByteStream } from './types.ts';

/** Consumed bytes are acknowledged in steps of this many, so that small chunks do not cost a message each. */
const CREDIT_STEP = 512 * 1024;

/** How an end speaks to the other end. */
export interface StreamWire {
  data(bytes: Uint8Array): void;
  end(): void;
  credit(bytes: number): void;
  abort(error: HayloftError | undefined): void;
}

interface PendingWrite {
  bytes: Uint8Array;
  sent(): void;
  failed(error: HayloftError): void;
}

interface Reader {
  resolve(result: IteratorResult<Uint8Array, undefined>): void;
  reject(error: HayloftError): void;
}

export class StreamEnd implements ByteStream {
  readonly #wire: StreamWire;
  readonly #unread: Uint8Array[] = [];
  readonly #unsent: PendingWrite[] = [];
  /** Bytes that may be sent. */
  #credit = INITIAL_CREDIT;
  /** Bytes that the far side may still send. */
  #allowance = INITIAL_CREDIT;
  #consumed = 0;
  #reader: Reader | undefined;
  #localEnd: 'open' | 'ending' | 'ended' = 'open';
  #remoteEnded = false;
  #over: HayloftError | 'completed' | undefined;
  #whenSent: (() => void) | undefined;

  constructor(wire: StreamWire) {
    this.#wire = wire;
  }

  /** Whether nothing can be written any more. */
  get over(): boolean {
    return this.#over !== undefined;
  }

  readonly chunks: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({ next: () => this.#next() }),
  };

  write(bytes: Uint8Array): Promise<void> {
    if (this.#over !== undefined) return Promise.reject(this.#writeError());
    if (this.#localEnd !== 'open') {
      return Promise.reject(new HayloftError('internal', 'The stream was written to after its end.'));
    }
    if (bytes.byteLength === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#unsent.push({ bytes, sent: resolve, failed: reject });
      this.#pump();
    });
  }

  end(): void {
    if (this.#over !== undefined || this.#localEnd !== 'open') return;
    this.#localEnd = 'ending';
    this.#pump();
  }

  abort(error?: HayloftError): void {
    if (this.#over !== undefined) return;
    this.fail(error ?? new HayloftError('cancelled', 'The transfer was cancelled.'));
    this.#wire.abort(error);
  }

  /** Ends this direction and calls `done` once everything written has been sent (never, if the stream fails first). */
  finish(done: () => void): void {
    if (this.#over !== undefined) return;
    this.#whenSent = done;
    if (this.#localEnd === 'open') this.end();
    else this.#pump();
  }

  /** Takes bytes from the far side. False when it sent more than it may: its carrier is not to be trusted further. */
  receiveData(bytes: Uint8Array): boolean {
    if (this.#over !== undefined || bytes.byteLength === 0) return true;
    if (this.#remoteEnded || bytes.byteLength > this.#allowance) return false;
    this.#allowance -= bytes.byteLength;
    if (this.#reader === undefined) {
      this.#unread.push(bytes);
    } else {
      this.#take()?.resolve({ done: false, value: bytes });
      this.#consume(bytes.byteLength);
    }
    return true;
  }

  receiveEnd(): void {
    this.#remoteEnded = true;
    this.#take()?.resolve({ done: true, value: undefined });
  }

  receiveCredit(bytes: number): void {
    this.#credit += bytes;
    this.#pump();
  }

  /** The far side is done with both directions: what it sent can still be read, nothing can be written. */
  complete(): void {
    if (this.#over !== undefined) return;
    this.#over = 'completed';
    for (const write of this.#unsent.splice(0)) write.failed(this.#writeError());
    this.receiveEnd();
  }

  /** Ends both directions with an error, without telling the far side; what was not read yet is dropped. */
  fail(error: HayloftError): void {
    if (this.#over !== undefined) return;
    this.#over = error;
    this.#unread.length = 0;
    for (const write of this.#unsent.splice(0)) write.failed(error);
    this.#take()?.reject(error);
  }

  #next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const bytes = this.#unread.shift();
    if (bytes !== undefined) {
      this.#consume(bytes.byteLength);
      return Promise.resolve({ done: false, value: bytes });
    }
    if (this.#over instanceof HayloftError) return Promise.reject(this.#over);
    if (this.#remoteEnded) return Promise.resolve({ done: true, value: undefined });
    if (this.#reader !== undefined) {
      return Promise.reject(new HayloftError('internal', 'A stream can have one reader at a time.'));
    }
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }

  #take(): Reader | undefined {
    const reader = this.#reader;
    this.#reader = undefined;
    return reader;
  }

  #consume(bytes: number): void {
    this.#consumed += bytes;
    if (this.#consumed < CREDIT_STEP || this.#remoteEnded || this.#over !== undefined) return;
    const credit = this.#consumed;
    this.#consumed = 0;
    this.#allowance += credit;
    this.#wire.credit(credit);
  }

  /** Sends what credit allows, whole pieces only; then the end, if it was asked for. */
  #pump(): void {
    for (let write = this.#unsent[0]; write !== undefined; write = this.#unsent[0]) {
      const piece = write.bytes.subarray(0, MAX_DATA_BYTES);
      if (piece.byteLength > this.#credit) return;
      this.#credit -= piece.byteLength;
      this.#wire.data(piece);
      if (piece.byteLength === write.bytes.byteLength) {
        this.#unsent.shift();
        write.sent();
      } else {
        write.bytes = write.bytes.subarray(piece.byteLength);
      }
    }
    if (this.#localEnd === 'ending') {
      this.#localEnd = 'ended';
      this.#wire.end();
    }
    if (this.#localEnd === 'ended' && this.#over === undefined) {
      const done = this.#whenSent;
      this.#whenSent = undefined;
      done?.();
    }
  }

  #writeError(): HayloftError {
    if (this.#over instanceof HayloftError) return this.#over;
    return new HayloftError('cancelled', 'The other side has already finished this transfer.');
  }
}

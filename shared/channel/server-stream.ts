/** The backend's end of a byte stream: must be accepted before it carries bytes. */
import { HayloftError } from '../contract/errors.ts';
import { StreamEnd } from './byte-stream.ts';
import type { StreamWire } from './byte-stream.ts';
import type { Request } from './frames.ts';
import type { ServerStream } from './handlers.ts';

export class ServerStreamEnd extends StreamEnd implements ServerStream<unknown> {
  readonly #opened: (output: unknown) => void;
  #accepted = false;

  constructor(wire: StreamWire & { opened(output: unknown): void }) {
    super(wire);
    this.#opened = (output) => wire.opened(output);
  }

  get accepted(): boolean {
    return this.#accepted;
  }

  accept(opened: unknown): void {
    if (this.#accepted) throw new HayloftError('internal', 'A stream was accepted twice.');
    this.#accepted = true;
    if (!this.over) this.#opened(opened);
  }

  override write(bytes: Uint8Array): Promise<void> {
    if (this.#accepted) return super.write(bytes);
    return Promise.reject(new HayloftError('internal', 'A stream was written to before it was accepted.'));
  }

  /** Takes a control message of the far side; false when it is out of place. */
  receive(message: Request): boolean {
    if (message.t === 'end') this.receiveEnd();
    else if (message.t === 'credit') this.receiveCredit(message.bytes);
    else return false;
    return true;
  }
}

/** The server's half of a WebSocket, read without putting frames together: their bytes go on as they come. */

/** Opcodes of RFC 6455, 5.2. */
export const opcode = { binary: 0x2, close: 0x8, ping: 0x9, pong: 0xa };

/** A control frame's payload is at most this long (RFC 6455, 5.5). */
const longestControl = 125;

export interface FrameListener {
  /** A part of a data frame: a view into the chunk that was pushed. `begins`: it is the first of a message. */
  data(bytes: Buffer, begins: boolean): void;
  control(opcode: number, payload: Buffer): void;
}

export class FrameReader {
  readonly #listener: FrameListener;
  readonly #header = Buffer.alloc(10);
  #headerBytes = 0;
  #opcode = 0;
  /** Bytes of the frame that are still to come. */
  #left = 0;
  /** Nothing of the message has come yet. */
  #begins = false;
  #control: Buffer[] = [];

  constructor(listener: FrameListener) {
    this.#listener = listener;
  }

  /** Takes the next bytes of the connection. @returns what is wrong with them, undefined if nothing is */
  push(chunk: Buffer): string | undefined {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left === 0) {
        const used = this.#readHeader(chunk, at);
        if (typeof used === 'string') return used;
        at += used;
      }
      if (this.#left > 0 && at < chunk.length) {
        const part = chunk.subarray(at, at + this.#left);
        at += part.length;
        this.#left -= part.length;
        this.#take(part);
      }
    }
    return undefined;
  }

  /** @returns how many bytes of the chunk belong to the header */
  #readHeader(chunk: Buffer, at: number): number | string {
    let used = 0;
    while (at + used < chunk.length) {
      this.#header[this.#headerBytes++] = chunk[at + used++] ?? 0;
      if (this.#headerBytes < 2 || this.#headerBytes < headerLength(this.#header)) continue;
      this.#headerBytes = 0;
      return this.#begin() ?? used;
    }
    return used;
  }

  #begin(): string | undefined {
    const [first = 0, second = 0] = this.#header;
    if ((first & 0x70) !== 0) return 'A frame uses an extension that was not agreed on.';
    if ((second & 0x80) !== 0) return 'A server’s frames are not masked.';
    this.#opcode = first & 0x0f;
    const short = second & 0x7f;
    this.#left = short === 126 ? this.#header.readUInt16BE(2) : short === 127 ? Number(this.#header.readBigUInt64BE(2)) : short;
    if (!this.#isControl) {
      // A frame that continues a message has no opcode of its own.
      this.#begins = this.#opcode !== 0;
      return undefined;
    }
    if (this.#left > longestControl) return 'A control frame is too long.';
    this.#control = [];
    if (this.#left === 0) this.#listener.control(this.#opcode, Buffer.alloc(0));
    return undefined;
  }

  #take(part: Buffer): void {
    if (!this.#isControl) {
      this.#listener.data(part, this.#begins);
      this.#begins = false;
      return;
    }
    this.#control.push(Buffer.from(part));
    if (this.#left === 0) this.#listener.control(this.#opcode, Buffer.concat(this.#control));
  }

  get #isControl(): boolean {
    return this.#opcode >= opcode.close;
  }
}

function headerLength(header: Buffer): number {
  const length = (header[1] ?? 0) & 0x7f;
  return length === 126 ? 4 : length === 127 ? 10 : 2;
}

/**
 * Reads a disk from an NBD server, holes as holes: fixed newstyle negotiation, structured replies
 * (NetworkBlockDevice's doc/proto.md).
 */
import { connect, type Socket } from 'node:net';

/** A stretch of the disk. Without `data` it holds nothing but zeros. */
export interface Piece {
  length: number;
  data?: Buffer;
}

const hello = 'NBDMAGIC';
const haveOption = 'IHAVEOPT';
const fixedNewstyle = 1;
const noZeroes = 2;
const option = { go: 7, structuredReply: 8 } as const;
const replyMagic = 0x3e889045565a9n;
const reply = { ack: 1, info: 3 } as const;
const exportInfo = 0;
const requestMagic = 0x25609513;
const read = 0;
const disconnect = 2;
const chunkMagic = 0x668e33ef;
const chunkDone = 1;
const chunk = { none: 0, data: 1, hole: 2 } as const;
/** A server that sends more in one chunk than was asked for means no good. */
const longestChunk = 64 * 2 ** 20;

export class NbdError extends Error {
  override readonly name = 'NbdError';
}

export class NbdReader {
  /** In bytes. */
  sizeBytes = 0;
  readonly #socket: Socket;
  readonly #bytes: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);
  #handle = 0n;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#bytes = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /**
   * @param path of the server's unix socket
   * @throws NbdError, or the socket's error when nobody listens (yet)
   */
  static async open(path: string): Promise<NbdReader> {
    const socket = connect(path);
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    // Whatever goes wrong later is met by whoever reads.
    socket.on('error', () => undefined);
    const reader = new NbdReader(socket);
    try {
      await reader.#negotiate();
      return reader;
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  /** @returns what lies there, in order and without gaps. One read at a time. */
  async read(offset: number, length: number): Promise<Piece[]> {
    const request = Buffer.alloc(28);
    request.writeUInt32BE(requestMagic, 0);
    request.writeUInt16BE(read, 6);
    request.writeBigUInt64BE(++this.#handle, 8);
    request.writeBigUInt64BE(BigInt(offset), 16);
    request.writeUInt32BE(length, 24);
    this.#socket.write(request);
    const found: (Piece & { offset: number })[] = [];
    for (let done = false; !done; ) {
      const head = await this.#take(20);
      if (head.readUInt32BE(0) !== chunkMagic || head.readBigUInt64BE(8) !== this.#handle) throw new NbdError('The answer makes no sense.');
      done = (head.readUInt16BE(4) & chunkDone) !== 0;
      const bytes = head.readUInt32BE(16);
      if (bytes > longestChunk) throw new NbdError('The answer is too long.');
      const payload = await this.#take(bytes);
      const type = head.readUInt16BE(6);
      if (type === chunk.data) {
        const data = payload.subarray(8);
        found.push({ offset: Number(payload.readBigUInt64BE(0)), length: data.length, data });
      } else if (type === chunk.hole) {
        found.push({ offset: Number(payload.readBigUInt64BE(0)), length: payload.readUInt32BE(8) });
      } else if (type !== chunk.none) {
        throw new NbdError(`The disk cannot be read at ${offset}: ${payload.subarray(6).toString() || 'the server gave no reason'}.`);
      }
    }
    return inOrder(found, offset, length);
  }

  close(): void {
    const request = Buffer.alloc(28);
    request.writeUInt32BE(requestMagic, 0);
    request.writeUInt16BE(disconnect, 6);
    this.#socket.end(request);
    this.#socket.destroySoon();
  }

  async #negotiate(): Promise<void> {
    const greeting = await this.#take(18);
    if (greeting.toString('latin1', 0, 16) !== hello + haveOption || (greeting.readUInt16BE(16) & fixedNewstyle) === 0) {
      throw new NbdError('This is no NBD server that we know how to talk to.');
    }
    const flags = Buffer.alloc(4);
    flags.writeUInt32BE(fixedNewstyle | noZeroes);
    this.#socket.write(flags);
    await this.#ask(option.structuredReply, Buffer.alloc(0));
    // The default export has no name; no more than the usual is asked of it.
    await this.#ask(option.go, Buffer.alloc(6));
  }

  async #ask(code: number, data: Buffer): Promise<void> {
    const head = Buffer.alloc(16);
    head.write(haveOption, 'latin1');
    head.writeUInt32BE(code, 8);
    head.writeUInt32BE(data.length, 12);
    this.#socket.write(Buffer.concat([head, data]));
    for (;;) {
      const answer = await this.#take(20);
      if (answer.readBigUInt64BE(0) !== replyMagic || answer.readUInt32BE(8) !== code) throw new NbdError('The answer makes no sense.');
      const payload = await this.#take(Math.min(answer.readUInt32BE(16), longestChunk));
      const type = answer.readUInt32BE(12);
      if (type === reply.ack) return;
      if (type !== reply.info) throw new NbdError(`The server refused: ${payload.toString() || `code ${type}`}.`);
      if (payload.readUInt16BE(0) === exportInfo) this.sizeBytes = Number(payload.readBigUInt64BE(2));
    }
  }

  async #take(length: number): Promise<Buffer> {
    const parts = [this.#rest];
    let have = this.#rest.length;
    while (have < length) {
      const next = await this.#bytes.next();
      if (next.done === true) throw new NbdError('The NBD server ended.');
      parts.push(next.value);
      have += next.value.length;
    }
    const all = parts.length === 1 ? this.#rest : Buffer.concat(parts);
    this.#rest = all.subarray(length);
    return all.subarray(0, length);
  }
}

/** Chunks may come in any order. */
function inOrder(found: (Piece & { offset: number })[], offset: number, length: number): Piece[] {
  found.sort((a, b) => a.offset - b.offset);
  let at = offset;
  for (const piece of found) {
    if (piece.offset !== at) throw new NbdError('The answer has gaps.');
    at += piece.length;
  }
  if (at !== offset + length) throw new NbdError('The answer is not as long as was asked for.');
  return found;
}

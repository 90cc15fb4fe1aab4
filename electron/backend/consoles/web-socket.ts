/**
 * The client's half of a WebSocket that carries a byte stream. Frames mean nothing in one, so none is put together:
 * that halves what moving a byte costs.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { giveBack } from '#shared/host/pooled-socket.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import { abortReason } from '../clusters/api-client.ts';
import { errorFromAnswer, errorFromNetwork, noAnswer } from '../clusters/api-errors.ts';
import { FrameReader, opcode } from './frame-reader.ts';

const handshakeMs = 15_000;
/** How long the far side may take to say goodbye. */
const goodbyeMs = 1000;

/** Close codes of RFC 6455, 7.4.1. */
const normalClosure = 1000;
const noCode = 1005;
const noGoodbye = 1006;

export interface Ending {
  code: number;
  reason: string;
}

/**
 * Opens a WebSocket at `path` of the cluster's API.
 * @param asked further headers
 * @throws HayloftError when it cannot be opened; an AnswerError if the cluster said no
 */
export async function openWebSocket(client: ApiClient, path: string, protocol: string, signal: AbortSignal, asked: Record<string, string> = {}): Promise<ByteSocket> {
  const { server } = client.access;
  const key = randomBytes(16).toString('base64');
  const request = await client.upgrade(path, {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': key,
    'sec-websocket-protocol': protocol,
    ...asked,
  });
  const { promise, resolve, reject } = Promise.withResolvers<ByteSocket>();
  const giveUp = (): void => void request.destroy();
  signal.addEventListener('abort', giveUp, { once: true });
  request.setTimeout(handshakeMs, () => request.destroy(noAnswer(server)));
  request.on('error', (error) => reject(signal.aborted ? abortReason(signal) : errorFromNetwork(error, server)));
  request.on('response', (response) => {
    text(response).then(
      (body) => reject(errorFromAnswer(response.statusCode ?? 0, body, response.headers['retry-after'])),
      (error: unknown) => reject(errorFromNetwork(error, server)),
    );
  });
  request.on('upgrade', (response, socket, head) => {
    request.setTimeout(0);
    if (response.headers['sec-websocket-accept'] !== acceptOf(key)) {
      socket.destroy();
      reject(errorFromNetwork(new Error('The answer to the WebSocket handshake is wrong.'), server));
      return;
    }
    resolve(new ByteSocket(socket, head, response.headers));
  });
  if (signal.aborted) giveUp();
  request.end();
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

/** An open WebSocket, paused: `begin` when somebody listens. */
export class ByteSocket {
  /** Of the answer to the handshake. */
  readonly headers: IncomingHttpHeaders;
  readonly #socket: Duplex;
  readonly #head: Buffer;
  #ending: Ending = { code: noGoodbye, reason: '' };
  /** What came in the chunk that is being read. */
  #parts: Promise<void>[] = [];
  #onData: (bytes: Buffer, begins?: boolean) => Promise<void> = () => Promise.resolve();
  readonly #reader = new FrameReader({
    data: (bytes, begins) => this.#parts.push(this.#onData(bytes, begins)),
    control: (code, payload) => this.#control(code, payload),
  });
  /** Resolves when the connection is gone, however it ended. */
  readonly closed: Promise<Ending>;

  constructor(socket: Duplex, head: Buffer, headers: IncomingHttpHeaders) {
    this.#socket = socket;
    this.headers = headers;
    // It may be a view into a buffer that the next read goes into.
    this.#head = Buffer.from(head);
    socket.pause();
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.destroy());
    this.closed = new Promise((resolve) => {
      socket.on('close', () => resolve(this.#ending));
    });
  }

  /**
   * Begins to read.
   * @param onData gets bytes as they come, and whether a message begins with them; they are its own until what it returned has resolved
   */
  begin(onData: (bytes: Buffer, begins?: boolean) => Promise<void>): void {
    this.#onData = onData;
    this.#read(this.#head);
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk));
    this.#socket.resume();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /**
   * Sends bytes, always in a binary frame: KubeVirt drops text frames in silence.
   * @returns a promise only while too much waits to be sent: it resolves when more may come
   */
  send(bytes: Uint8Array): Promise<unknown> | undefined {
    if (!this.#socket.writable || this.#write(opcode.binary, bytes)) return undefined;
    return Promise.race([new Promise((resolve) => this.#socket.once('drain', resolve)), this.closed]);
  }

  /** Says goodbye, and does not wait for the answer for long. */
  close(): void {
    if (this.#socket.writable) this.#write(opcode.close, Buffer.from([normalClosure >> 8, normalClosure & 0xff]));
    setTimeout(() => this.terminate(), goodbyeMs).unref();
  }

  terminate(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    this.#parts = [];
    const wrong = this.#reader.push(chunk);
    const done = (): void => giveBack(chunk);
    if (this.#parts.length === 0) done();
    else Promise.all(this.#parts).then(done, () => this.terminate());
    if (wrong !== undefined) this.terminate();
  }

  #control(code: number, payload: Buffer): void {
    if (code === opcode.ping) {
      this.#write(opcode.pong, payload);
    } else if (code === opcode.close) {
      this.#ending = payload.length < 2 ? { code: noCode, reason: '' } : { code: payload.readUInt16BE(0), reason: payload.toString('utf8', 2) };
      if (this.#socket.writable) this.#write(opcode.close, payload.subarray(0, 2));
      this.#socket.end();
    }
  }

  #write(code: number, bytes: Uint8Array): boolean {
    return this.#socket.write(maskedFrame(code, bytes));
  }
}

/** A whole frame as clients must send it, masked (RFC 6455, 5.3). */
function maskedFrame(code: number, bytes: Uint8Array): Buffer {
  const { length } = bytes;
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const payloadAt = 2 + lengthBytes + 4;
  const frame = Buffer.allocUnsafe(payloadAt + length);
  frame[0] = 0x80 | code;
  frame[1] = 0x80 | (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) frame.writeUInt16BE(length, 2);
  else if (lengthBytes === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  const mask = randomBytes(4);
  mask.copy(frame, payloadAt - 4);
  for (let n = 0; n < length; n += 1) frame[payloadAt + n] = (bytes[n] ?? 0) ^ (mask[n & 3] ?? 0);
  return frame;
}

/** RFC 6455, 4.2.2. */
const acceptOf = (key: string): string => createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');

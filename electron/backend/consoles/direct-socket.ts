/**
 * A screen of the engine on this computer, read from QEMU's own socket: its bytes need not come through the engine, which
 * keeps the right to look, so that whoever takes the screen over ends it here, too.
 */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connectPooled, giveBack } from '#shared/host/pooled-socket.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import { openWebSocket, type ByteSocket, type Ending } from './web-socket.ts';

/** What a console reads from and writes to. */
export type ConsoleSocket = Pick<ByteSocket, 'begin' | 'pause' | 'resume' | 'send' | 'close' | 'terminate' | 'closed'>;

const normalClosure = 1000;

/** Opens the console at `path`, the shortest way there is. Throws what {@link openWebSocket} throws. */
export async function openConsole(client: ApiClient, path: string, protocol: string, signal: AbortSignal): Promise<ConsoleSocket> {
  if (client.access.localSocket === undefined) return openWebSocket(client, path, protocol, signal);
  const lease = await openWebSocket(client, path, protocol, signal, { 'hayloft-direct': '?1' });
  const offered = lease.headers['hayloft-socket'];
  if (typeof offered !== 'string') return lease;
  const socket = connectPooled(decodeURIComponent(offered));
  try {
    await once(socket, 'connect', { signal });
    return new DirectSocket(lease, socket);
  } catch {
    // An engine that runs as a service may have its sockets where others cannot go.
    socket.destroy();
    lease.terminate();
    signal.throwIfAborted();
    return openWebSocket(client, path, protocol, signal);
  }
}

class DirectSocket implements ConsoleSocket {
  readonly closed: Promise<Ending>;
  readonly #lease: ByteSocket;
  readonly #socket: Socket;

  constructor(lease: ByteSocket, socket: Socket) {
    this.#lease = lease;
    this.#socket = socket;
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.destroy());
    lease.begin(() => Promise.resolve());
    const ended = new Promise<Ending>((resolve) => {
      socket.on('close', () => resolve({ code: normalClosure, reason: '' }));
    });
    this.closed = Promise.race([lease.closed, ended]).finally(() => this.terminate());
  }

  begin(onData: (bytes: Buffer) => Promise<void>): void {
    this.#socket.on('data', (chunk: Buffer) => {
      onData(chunk).then(() => giveBack(chunk), () => this.terminate());
    });
    this.#socket.resume();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  send(bytes: Uint8Array): Promise<unknown> | undefined {
    // Its own, for the sender's may be used again.
    if (!this.#socket.writable || this.#socket.write(Buffer.from(bytes))) return undefined;
    return Promise.race([new Promise((resolve) => this.#socket.once('drain', resolve)), this.closed]);
  }

  close(): void {
    this.#lease.close();
  }

  terminate(): void {
    this.#socket.destroy();
    this.#lease.terminate();
  }
}

/** A WebSocket to a cluster's console, joined to a byte stream of the channel. */
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import WebSocket from 'ws';
import type { ServerStream } from '#shared/channel/handlers.ts';
import { errorCode, HayloftError } from '#shared/contract/errors.ts';
import { abortReason, type ApiClient } from '../clusters/api-client.ts';
import { errorFromAnswer, errorFromNetwork } from '../clusters/api-errors.ts';

/** KubeVirt's only subprotocol: raw bytes in binary frames (kubevirt.io/client-go, subresources/constants.go). */
const subprotocol = 'plain.kubevirt.io';
const handshakeMs = 15_000;
/** Bytes on their way to the viewer: above the first the guest's side waits, below the second it goes on. */
const mostUnsent = 1024 * 1024;
const fewUnsent = 256 * 1024;
/** Bytes on their way to the guest: above it the viewer is not read from. */
const mostTyped = 1024 * 1024;
/** How long the far side may take to say goodbye. */
const goodbyeMs = 1000;
/** WebSocket close codes (RFC 6455, 7.4.1) of an ending that nobody need be told about. */
const ordinaryEnds = new Set([1000, 1001, 1005]);

/**
 * Opens the console at `path` and passes bytes both ways, until either side ends.
 * @returns when the cluster ended it. Throws a HayloftError when it cannot be opened (an AnswerError, if the cluster
 *   said no) or when it breaks.
 */
export async function joinConsole(
  client: ApiClient,
  path: string,
  stream: ServerStream<object>,
  signal: AbortSignal,
): Promise<void> {
  const { server } = client.access;
  const { url, options } = await client.webSocketOptions(path);
  const socket = new WebSocket(url, subprotocol, {
    ...options,
    perMessageDeflate: false,
    handshakeTimeout: handshakeMs,
  });
  socket.binaryType = 'nodebuffer';
  const end = (): void => socket.terminate();
  signal.addEventListener('abort', end, { once: true });
  try {
    // The first bytes may come together with the handshake's answer, before anybody could begin to listen.
    const output = new Output(socket, stream);
    const closed = once(socket, 'close') as Promise<[code: number, reason: Buffer]>;
    closed.catch(() => undefined);
    await opened(socket, server, signal);
    stream.accept({});
    output.begin();
    void forwardInput(stream, socket);
    const [code, reason] = await closed.catch((error: unknown) => {
      throw errorFromNetwork(error, server);
    });
    if (!signal.aborted) tellEnd(code, reason.toString(), server);
  } finally {
    signal.removeEventListener('abort', end);
    socket.terminate();
  }
}

/** What the guest shows: passed on as it comes, and held back at the far side when the viewer is slow. */
class Output {
  readonly #socket: WebSocket;
  readonly #stream: ServerStream<object>;
  #early: Buffer[] | undefined = [];
  #unsent = 0;

  constructor(socket: WebSocket, stream: ServerStream<object>) {
    this.#socket = socket;
    this.#stream = stream;
    socket.on('message', (bytes: Buffer) => {
      if (this.#early) this.#early.push(bytes);
      else this.#pass(bytes);
    });
  }

  begin(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const bytes of early) this.#pass(bytes);
  }

  #pass(bytes: Buffer): void {
    this.#unsent += bytes.length;
    if (this.#unsent > mostUnsent) this.#socket.pause();
    this.#stream.write(bytes).then(
      () => {
        this.#unsent -= bytes.length;
        if (this.#socket.isPaused && this.#unsent < fewUnsent) this.#socket.resume();
      },
      () => this.#socket.terminate(),
    );
  }
}

/** What is typed and clicked, on to the guest. Always in binary frames: KubeVirt drops text frames in silence. */
async function forwardInput(stream: ServerStream<object>, socket: WebSocket): Promise<void> {
  try {
    for await (const chunk of stream.chunks) {
      if (socket.readyState !== WebSocket.OPEN) return;
      const sent = new Promise<void>((resolve) => socket.send(chunk, { binary: true }, () => resolve()));
      if (socket.bufferedAmount > mostTyped) await sent;
    }
    socket.close();
    setTimeout(() => socket.terminate(), goodbyeMs).unref();
  } catch {
    // The viewer is gone; the channel has told whoever it was.
    socket.terminate();
  }
}

function opened(socket: WebSocket, server: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve());
    socket.on('error', (error) => reject(signal.aborted ? abortReason(signal) : errorFromNetwork(error, server)));
    socket.once('unexpected-response', (_request, response) => {
      text(response).then(
        (body) => reject(errorFromAnswer(response.statusCode ?? 0, body)),
        (error: unknown) => reject(errorFromNetwork(error, server)),
      );
    });
  });
}

/** Hayloft's engine gives the reason for an ending as one of our codes; others end without a word. */
function tellEnd(code: number, reason: string, server: string): void {
  const known = errorCode.safeParse(reason);
  if (known.data === 'taken-over') throw takenOver();
  if (known.success) throw new HayloftError(known.data, 'The machine ended the connection.', { retryable: true });
  if (!ordinaryEnds.has(code)) {
    throw new HayloftError('connection-lost', `The connection to ${new URL(server).host} was lost.`, { retryable: true });
  }
}

export function takenOver(): HayloftError {
  return new HayloftError('taken-over', 'Somebody else is looking at this machine’s screen.', {
    hint: 'Take over the screen to go on here.',
    retryable: true,
  });
}

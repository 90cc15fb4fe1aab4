/** A cluster's console, joined to a byte stream of the channel. */
import type { ServerStream } from '#shared/channel/handlers.ts';
import { errorCode, HayloftError } from '#shared/contract/errors.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import { openConsole, type ConsoleSocket } from './direct-socket.ts';

/** KubeVirt's only subprotocol: raw bytes in binary frames (kubevirt.io/client-go, subresources/constants.go). */
const subprotocol = 'plain.kubevirt.io';
/** Bytes on their way to the viewer: above the first the guest's side waits, below the second it goes on. */
const mostUnsent = 1024 * 1024;
const fewUnsent = 256 * 1024;

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
  const socket = await openConsole(client, path, subprotocol, signal);
  const end = (): void => socket.terminate();
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  try {
    stream.accept({});
    forwardOutput(socket, stream);
    void forwardInput(stream, socket);
    const { code, reason } = await socket.closed;
    if (!signal.aborted) tellEnd(code, reason, client.access.server);
  } finally {
    signal.removeEventListener('abort', end);
    socket.terminate();
  }
}

/** What the guest shows: passed on as it comes, and held back at the far side when the viewer is slow. */
function forwardOutput(socket: ConsoleSocket, stream: ServerStream<object>): void {
  let unsent = 0;
  let paused = false;
  socket.begin(async (bytes) => {
    unsent += bytes.length;
    if (unsent > mostUnsent && !paused) {
      paused = true;
      socket.pause();
    }
    await stream.write(bytes);
    unsent -= bytes.length;
    if (paused && unsent < fewUnsent) {
      paused = false;
      socket.resume();
    }
  });
}

/** What is typed and clicked, on to the guest. */
async function forwardInput(stream: ServerStream<object>, socket: ConsoleSocket): Promise<void> {
  try {
    for await (const chunk of stream.chunks) await socket.send(chunk);
    socket.close();
  } catch {
    // The viewer is gone; the channel has told whoever it was.
    socket.terminate();
  }
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

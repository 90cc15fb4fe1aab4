/** A machine's screen and serial line: the cluster's WebSocket joined to the channel's stream. */
import WebSocket from 'ws';
import type { ServerStream, StreamHandlers } from '#shared/channel/handlers.ts';
import { HayloftError } from '#shared/contract/errors.ts';
import { errorFromAnswer, errorFromNetwork } from '../clusters/api-errors.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import type { Clusters } from '../clusters/clusters.ts';
import { subresourcePath } from '../clusters/kinds.ts';

/** KubeVirt's only subprotocol: raw bytes in binary frames (kubevirt.io/client-go, subresources/constants.go). */
const subprotocol = 'plain.kubevirt.io';
const handshakeMs = 15_000;
/** Frames that wait for the cluster to take them; above it the far side is not read from. */
const backlogBytes = 1024 * 1024;

export function consoleStreams(clusters: Clusters): Pick<StreamHandlers, 'consoles.vnc' | 'consoles.serial'> {
  return {
    'consoles.vnc': async ({ takeOver, ...ref }, stream, { signal }) => {
      const path = subresourcePath('virtualmachineinstances', ref, `vnc${takeOver ? '' : '?preserveSession=true'}`);
      await join(clusters.get(ref.clusterId).client(), path, stream, signal);
    },
    'consoles.serial': async (ref, stream, { signal }) => {
      const path = subresourcePath('virtualmachineinstances', ref, 'console');
      await join(clusters.get(ref.clusterId).client(), path, stream, signal);
    },
  };
}

async function join(client: ApiClient, path: string, stream: ServerStream<object>, signal: AbortSignal): Promise<void> {
  const socket = await connect(client, path, signal);
  const ended = new Promise<void>((resolve, reject) => {
    socket.on('close', () => resolve());
    socket.on('error', (error) => reject(errorFromNetwork(error, client.access.server)));
  });
  // Bytes may come in the same turn as the handshake's answer: they must be waited for before it is told.
  socket.on('message', (data: Buffer) => {
    const written = stream.write(data);
    // A viewer that is slow makes the guest's side wait, not this process grow.
    socket.pause();
    written.then(() => socket.resume(), () => socket.terminate());
  });
  stream.accept({});
  signal.addEventListener('abort', () => socket.terminate(), { once: true });
  void forward(stream, socket);
  await ended;
}

/** What is typed and clicked, on to the cluster. Ends with the viewer. */
async function forward(stream: ServerStream<object>, socket: WebSocket): Promise<void> {
  try {
    for await (const chunk of stream.chunks) {
      const sent = new Promise<void>((resolve) => socket.send(chunk, { binary: true }, () => resolve()));
      if (socket.bufferedAmount > backlogBytes) await sent;
    }
    socket.close();
  } catch {
    // The viewer is gone; whoever it was has been told by the channel.
    socket.terminate();
  }
}

function connect(client: ApiClient, path: string, signal: AbortSignal): Promise<WebSocket> {
  const { server } = client.access;
  const socket = new WebSocket(server.replace(/^http/, 'ws') + path, subprotocol, {
    ...client.tls(),
    headers: client.authorization(),
    perMessageDeflate: false,
    handshakeTimeout: handshakeMs,
  });
  socket.binaryType = 'nodebuffer';
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(socket));
    socket.once('error', (error) => reject(errorFromNetwork(error, server)));
    socket.once('unexpected-response', (_request, response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => (body += part));
      response.on('end', () => reject(refusal(response.statusCode ?? 0, body)));
    });
    signal.addEventListener('abort', () => socket.terminate(), { once: true });
  });
}

/** KubeVirt tells most of what is wrong by HTTP's codes alone; see subresources' vnc.go and console.go. */
function refusal(status: number, body: string): HayloftError {
  const known = errorFromAnswer(status, body);
  if (/active vnc connection/i.test(known.message)) {
    return new HayloftError('taken-over', 'Somebody else is looking at this machine’s screen.', {
      hint: 'Take over the screen to go on here.',
    });
  }
  if (status === 404 || status === 400 || status === 409) {
    return new HayloftError('not-running', 'The machine is not running.', { retryable: true, cause: known });
  }
  return known;
}

/** Both carriers, really connected, and a channel over them, for tests. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MessageChannel } from 'node:worker_threads';
import { WebSocketServer } from 'ws';
import { createChannelClient } from './client.ts';
import type { Carrier } from './frames.ts';
import type { Handlers } from './handlers.ts';
import { portCarrier } from './port-carrier.ts';
import { serveChannel } from './server.ts';
import type { ChannelClient } from './types.ts';
import { connectWebSocketCarrier, MAX_MESSAGE_BYTES, webSocketCarrier } from './web-socket-carrier.ts';

export interface CarrierPair {
  renderer: Carrier;
  backend: Carrier;
  /** Closes both ends and what carries them. */
  dispose(): Promise<void>;
}

/** A pair over Node's own message channel; Electron's behaves the same. */
export function portPair(): CarrierPair {
  const { port1, port2 } = new MessageChannel();
  const renderer = portCarrier(port1);
  const backend = portCarrier(port2);
  return {
    renderer,
    backend,
    dispose: () => {
      renderer.close();
      backend.close();
      return Promise.resolve();
    },
  };
}

/** A pair over a WebSocket on loopback: Node's browser-like client, the `ws` package's server. */
export async function webSocketPair(): Promise<CarrierPair> {
  const http = createServer();
  const server = new WebSocketServer({ server: http, perMessageDeflate: false, maxPayload: MAX_MESSAGE_BYTES });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const accepted = new Promise<Carrier>((resolve) => {
    server.once('connection', (socket) => resolve(webSocketCarrier(socket)));
  });
  const { port } = http.address() as AddressInfo;
  const [renderer, backend] = await Promise.all([
    connectWebSocketCarrier(`ws://127.0.0.1:${port}/`),
    accepted,
  ]);
  return {
    renderer,
    backend,
    dispose: async () => {
      renderer.close();
      backend.close();
      for (const client of server.clients) client.terminate();
      server.close();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

/** Both ends of a channel over one kind of carrier, made anew for each test. */
export interface TestChannel extends CarrierPair {
  client: ChannelClient;
  /** These serve only what a test asks for; anything else is refused as unknown. */
  serveCalls(calls: Partial<Handlers['calls']>): void;
  serveTopics(topics: Partial<Handlers['topics']>): void;
  serveStreams(streams: Partial<Handlers['streams']>): void;
  /** Names of what failed with `internal`. */
  internalErrors: string[];
}

/** Kinds of carriers, for `describe.each`: what must hold on one must hold on the other. */
export const carriers: [string, () => Promise<TestChannel>][] = [
  ['a message port', () => Promise.resolve(testChannel(portPair()))],
  ['a WebSocket', async () => testChannel(await webSocketPair())],
];

function testChannel(pair: CarrierPair): TestChannel {
  const internalErrors: string[] = [];
  const serve = (handlers: object): void => {
    const all = { calls: {}, topics: {}, streams: {}, ...handlers } as unknown as Handlers;
    serveChannel(pair.backend, all, { onInternalError: (name) => internalErrors.push(name) });
  };
  return {
    ...pair,
    client: createChannelClient(pair.renderer),
    serveCalls: (calls) => serve({ calls }),
    serveTopics: (topics) => serve({ topics }),
    serveStreams: (streams) => serve({ streams }),
    internalErrors,
  };
}

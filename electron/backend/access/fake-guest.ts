/** A cluster whose only guest is reached by `portforward`, for tests: its ports lead to ports of this computer. */
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { portPair } from '#shared/channel/carrier-pairs.ts';
import { createChannelClient } from '#shared/channel/client.ts';
import type { Handlers } from '#shared/channel/handlers.ts';
import { serveChannel } from '#shared/channel/server.ts';
import type { ChannelClient } from '#shared/channel/types.ts';
import { ClusterConnection } from '../clusters/connection.ts';
import type { Clusters } from '../clusters/clusters.ts';
import { failure, FakeApiServer, selfSigned } from '../clusters/fake-api-server.ts';
import { access } from './access.ts';

const identity = selfSigned();
export const guestRef = { clusterId: 'fake', namespace: 'default', name: 'vm' };

export interface FakeGuest {
  client: ChannelClient;
  /** Ports of the guest, and the ports of this computer that are behind them. */
  ports: Map<number, number>;
  /** Answers every `portforward` with this status instead. */
  refuse(status: number, message: string): void;
  /** The machine is another one from here on, of the same name. */
  remake(uid: string): void;
  stop(): Promise<void>;
}

export async function startFakeGuest(dataDir: string): Promise<FakeGuest> {
  const api = await FakeApiServer.start(0, identity);
  const sockets = new WebSocketServer({ noServer: true });
  const ports = new Map<number, number>();
  let uid = 'uid-1';
  let refusal: { status: number; message: string } | undefined;
  api.answer = ({ path }) => (path.endsWith('/virtualmachines/vm') ? { status: 200, body: { metadata: { name: 'vm', uid } } } : undefined);
  api.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const port = ports.get(Number(/virtualmachineinstances\/vm\/portforward\/(\d+)\/tcp$/.exec(request.url ?? '')?.[1]));
    const no = refusal ?? (port === undefined ? { status: 500, message: 'connection refused' } : undefined);
    if (no || port === undefined) {
      const body = JSON.stringify(failure(no?.status ?? 500, 'InternalError', no?.message ?? ''));
      socket.end(`HTTP/1.1 ${no?.status ?? 500} No\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const stream = createWebSocketStream(webSocket);
      const guest = connect(port, '127.0.0.1');
      for (const end of [stream, guest]) end.on('error', () => end.destroy());
      stream.pipe(guest).pipe(stream);
      guest.on('close', () => webSocket.close());
      stream.on('close', () => guest.destroy());
    });
  });
  const cluster = new ClusterConnection({ id: 'fake', name: 'Fake', local: false, changed: () => undefined, warn: () => undefined });
  cluster.connect(api.access);
  const ways = access({ get: () => cluster } as unknown as Clusters, dataDir);
  const channel = portPair();
  serveChannel(channel.backend, { calls: ways.calls, topics: ways.topics, streams: ways.streams } as unknown as Handlers);
  return {
    client: createChannelClient(channel.renderer),
    ports,
    refuse: (status, message) => (refusal = { status, message }),
    remake: (next) => (uid = next),
    stop: async () => {
      ways.close();
      await channel.dispose();
      cluster.close();
      await api.close();
    },
  };
}

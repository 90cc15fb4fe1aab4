import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import { portPair } from '#shared/channel/carrier-pairs.ts';
import { createChannelClient } from '#shared/channel/client.ts';
import type { Handlers } from '#shared/channel/handlers.ts';
import { serveChannel } from '#shared/channel/server.ts';
import type { ByteStream, ChannelClient } from '#shared/channel/types.ts';
import { ClusterConnection } from '../clusters/connection.ts';
import type { Clusters } from '../clusters/clusters.ts';
import { failure, FakeApiServer, selfSigned } from '../clusters/fake-api-server.ts';
import { consoleStreams } from './console-streams.ts';

const identity = selfSigned();
const ref = { clusterId: 'fake', namespace: 'default', name: 'vm' };
const instancePath = '/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances/vm';

let api: FakeApiServer;
let cluster: ClusterConnection;
let client: ChannelClient;
let channel: ReturnType<typeof portPair>;
/** What the cluster does with a console that is asked for. */
let upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

beforeEach(async () => {
  api = await FakeApiServer.start(0, identity);
  api.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => upgrade(request, socket, head));
  cluster = new ClusterConnection({ id: 'fake', name: 'Fake', local: false, changed: () => undefined, warn: () => undefined });
  cluster.connect(api.access);
  channel = portPair();
  const streams = consoleStreams({ get: () => cluster } as unknown as Clusters);
  serveChannel(channel.backend, { calls: {}, topics: {}, streams } as unknown as Handlers);
  client = createChannelClient(channel.renderer);
});
afterEach(async () => {
  await channel.dispose();
  cluster.close();
  await api.close();
});

/** Lets the console be opened, and hands out the cluster's end of it. */
function serve(): Promise<WebSocket> {
  const sockets = new WebSocketServer({ noServer: true });
  return new Promise((resolve) => {
    upgrade = (request, socket, head) => sockets.handleUpgrade(request, socket, head, resolve);
  });
}

/** An instance in the cluster, and a console that is refused with this status. */
function refuse(status: number, phase: string, devices: object = {}): void {
  api.answer = ({ path }) => (path === instancePath ? { status: 200, body: { status: { phase }, spec: { domain: { devices } } } } : undefined);
  const body = JSON.stringify(failure(status, 'InternalError', 'no'));
  upgrade = (_, socket) => socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
}

async function read(stream: ByteStream, bytes: number): Promise<string> {
  let text = '';
  for await (const chunk of stream.chunks) {
    text += Buffer.from(chunk).toString('latin1');
    if (text.length >= bytes) break;
  }
  return text;
}

describe('a console', () => {
  it('passes bytes both ways, in binary frames', async () => {
    const served = serve();
    const stream = await client.open('consoles.vnc', { ...ref, takeOver: true });
    const guest = await served;
    expect(guest.protocol).toBe('plain.kubevirt.io');
    guest.send(Buffer.from('RFB 003.008\n'));
    expect(await read(stream, 12)).toBe('RFB 003.008\n');
    const typed = new Promise<[Buffer, boolean]>((resolve) => guest.on('message', (data, binary) => resolve([data as Buffer, binary])));
    await stream.write(Buffer.from('hi'));
    expect(await typed).toEqual([Buffer.from('hi'), true]);
    stream.abort();
  });

  it('loses nothing that comes in one packet with the handshake’s answer', async () => {
    upgrade = (request, socket) => {
      const key = request.headers['sec-websocket-key'] ?? '';
      const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
      const head = `HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: plain.kubevirt.io\r\n\r\n`;
      socket.write(Buffer.concat([Buffer.from(head), Buffer.from([0x82, 5]), Buffer.from('login')]));
    };
    const stream = await client.open('consoles.serial', ref);
    expect(await read(stream, 5)).toBe('login');
    stream.abort();
  });

  it('makes the guest’s side wait for a slow viewer, and loses nothing', async () => {
    const served = serve();
    const stream = await client.open('consoles.vnc', { ...ref, takeOver: true });
    const guest = await served;
    const total = 32 * 1024 * 1024;
    for (let sent = 0; sent < total; sent += 2 ** 20) guest.send(Buffer.alloc(2 ** 20, sent / 2 ** 20));
    // Nobody reads: once no more goes out, most of it is still where it came from.
    let before = -1;
    await vi.waitFor(() => {
      const waiting = guest.bufferedAmount;
      const steady = waiting === before;
      before = waiting;
      expect(steady).toBe(true);
    });
    expect(before).toBeGreaterThan(total / 2);
    expect((await read(stream, total)).length).toBe(total);
    stream.abort();
  });

  it('ends when the machine ends it', async () => {
    const served = serve();
    const stream = await client.open('consoles.serial', ref);
    (await served).close(1000);
    expect((await stream.chunks[Symbol.asyncIterator]().next()).done).toBe(true);
  });

  it('says that somebody else has taken the screen over', async () => {
    const served = serve();
    const stream = await client.open('consoles.vnc', { ...ref, takeOver: true });
    (await served).close(4000, 'taken-over');
    await expect(stream.chunks[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'taken-over' });
  });

  it('says that the connection was lost when the line breaks', async () => {
    const served = serve();
    const stream = await client.open('consoles.vnc', { ...ref, takeOver: true });
    (await served).terminate();
    await expect(stream.chunks[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'connection-lost' });
  });

  it('lets go of the cluster when the viewer is gone', async () => {
    const served = serve();
    const stream = await client.open('consoles.vnc', { ...ref, takeOver: true });
    const gone = new Promise((resolve) => void served.then((guest) => guest.on('close', resolve)));
    stream.abort();
    await gone;
  });
});

describe('a console that is refused', () => {
  it.each([
    [400, 'Scheduling', {}, 'not-running'],
    [400, 'Running', { autoattachGraphicsDevice: false }, 'no-graphics'],
    [500, 'Running', {}, 'taken-over'],
  ] as const)('with %i while the instance is %s %o is “%s”', async (status, phase, devices, code) => {
    refuse(status, phase, devices);
    await expect(client.open('consoles.vnc', { ...ref, takeOver: false })).rejects.toMatchObject({ code });
  });

  it('has no serial line', async () => {
    refuse(400, 'Running', { autoattachSerialConsole: false });
    await expect(client.open('consoles.serial', ref)).rejects.toMatchObject({ code: 'no-serial' });
  });
});

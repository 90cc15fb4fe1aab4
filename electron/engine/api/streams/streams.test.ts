import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import WebSocket from 'ws';
import { rigApi, token, type ApiRig } from '../api-rig.ts';
import { badRequest } from '../errors.ts';

const path = '/apis/subresources.test/v1/namespaces/default/widgets/w/console';

interface StreamRig extends ApiRig {
  /** The guest's end of the connection. */
  guest(): Promise<Socket>;
  view(protocol?: string | string[], headers?: Record<string, string>): WebSocket;
}

/** A guest behind a real unix socket, as QEMU's are. */
async function rigStream(refuse?: Error): Promise<StreamRig> {
  const folder = mkdtempSync(join(tmpdir(), 'hayloft-stream-'));
  const at = join(folder, 'guest.sock');
  const listener = createServer().listen(at);
  await once(listener, 'listening');
  const arrived = once(listener, 'connection');
  onTestFinished(() => {
    listener.close();
    rmSync(folder, { recursive: true });
  });
  const api = await rigApi({
    definitions: [],
    streams: [
      {
        ...{ group: 'subresources.test', versions: ['v1'], resource: 'widgets', subresource: 'console' },
        connect: async () => {
          if (refuse) throw refuse;
          const socket = connect(at);
          await once(socket, 'connect');
          return socket;
        },
      },
    ],
  });
  return {
    ...api,
    guest: async () => (await arrived)[0] as Socket,
    view: (protocol = 'plain.kubevirt.io', headers = { authorization: `Bearer ${token}` }) => {
      const viewer = new WebSocket(`wss://127.0.0.1:${api.port}${path}`, protocol, { ca: api.ca, headers });
      onTestFinished(() => viewer.terminate());
      return viewer;
    },
  };
}

const refusal = (viewer: WebSocket): Promise<number> =>
  new Promise((resolve) => {
    viewer.on('error', () => undefined);
    viewer.on('unexpected-response', (_request, answer) => resolve(answer.statusCode ?? 0));
  });

describe('streams', () => {
  it('carry bytes both ways, and drop text as KubeVirt does', async () => {
    const rig = await rigStream();
    const viewer = rig.view();
    await once(viewer, 'open');
    expect(viewer.protocol).toBe('plain.kubevirt.io');
    const guest = await rig.guest();
    viewer.send('text');
    viewer.send(Buffer.from([1, 2, 3]));
    expect(await once(guest, 'data')).toEqual([Buffer.from([1, 2, 3])]);
    guest.write(Buffer.from('login: '));
    expect(await once(viewer, 'message')).toEqual([Buffer.from('login: '), true]);
  });

  it('let go of the guest when the viewer leaves, and of the viewer when the guest ends', async () => {
    const first = await rigStream();
    const leaving = first.view();
    await once(leaving, 'open');
    const left = once(await first.guest(), 'close');
    leaving.close();
    await left;

    const second = await rigStream();
    const staying = second.view();
    await once(staying, 'open');
    (await second.guest()).end('bye');
    expect(await once(staying, 'message')).toEqual([Buffer.from('bye'), true]);
    expect((await once(staying, 'close'))[0]).toBe(1000);
  });

  it('are refused by HTTP before they begin', async () => {
    const rig = await rigStream(badRequest('VMI is not running'));
    expect(await refusal(rig.view())).toBe(400);
    expect(await refusal(rig.view(undefined, { authorization: 'Bearer wrong' }))).toBe(401);
    const elsewhere = new WebSocket(`wss://127.0.0.1:${rig.port}/nowhere`, { ca: rig.ca, headers: { authorization: `Bearer ${token}` } });
    expect(await refusal(elsewhere)).toBe(404);
    expect(await rig.call('GET', path)).toMatchObject({ status: 400 });
  });

  it('leave no guest connected when the handshake is wrong', async () => {
    const rig = await rigStream();
    const answer = rig.open('GET', path, { connection: 'upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' });
    const guest = await rig.guest();
    const closed = once(guest, 'close');
    guest.resume();
    expect((await answer).statusCode).toBe(400);
    await closed;
  });

  it('slow a guest down whose viewer does not read, and lose nothing', async () => {
    const rig = await rigStream();
    const viewer = rig.view();
    await once(viewer, 'open');
    viewer.pause();
    const guest = await rig.guest();
    const total = 64 * 2 ** 20;
    let written = 0;
    const block = Buffer.alloc(2 ** 18, 7);
    const pump = (): void => {
      while (written < total) {
        written += block.length;
        if (!guest.write(block)) return void guest.once('drain', pump);
      }
    };
    pump();
    let last = -1;
    await vi.waitFor(() => {
      const stuck = written === last;
      last = written;
      expect(stuck).toBe(true);
    }, { interval: 200, timeout: 10_000 });
    expect(written).toBeLessThan(total / 2);
    let received = 0;
    viewer.on('message', (data: Buffer) => (received += data.length));
    viewer.resume();
    await vi.waitFor(() => expect(received).toBe(total), 20_000);
  });

  it('slow a viewer down whose guest does not read', async () => {
    const rig = await rigStream();
    const viewer = rig.view();
    await once(viewer, 'open');
    const guest = await rig.guest();
    guest.pause();
    const block = Buffer.alloc(2 ** 18, 7);
    for (let n = 0; n < 128; n += 1) viewer.send(block);
    let last = -1;
    await vi.waitFor(() => {
      const stuck = viewer.bufferedAmount === last;
      last = viewer.bufferedAmount;
      expect(stuck).toBe(true);
    }, { interval: 200, timeout: 10_000 });
    expect(viewer.bufferedAmount).toBeGreaterThan(8 * 2 ** 20);
    let received = 0;
    guest.on('data', (chunk: Buffer) => (received += chunk.length)).resume();
    await vi.waitFor(() => expect(received).toBe(128 * block.length), 20_000);
  });

  it('say goodbye when the server closes', async () => {
    const rig = await rigStream();
    const viewer = rig.view();
    await once(viewer, 'open');
    const closed = once(viewer, 'close');
    await rig.server.close();
    expect((await closed)[0]).toBe(1001);
  });
});

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { PortForward } from '#shared/contract/access.ts';
import { guestRef, startFakeGuest, type FakeGuest } from './fake-guest.ts';

let guest: FakeGuest;
let echo: Server;
let dir: string;
let listed: Map<string, PortForward>;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'hayloft-access-'));
  guest = await startFakeGuest(dir);
  echo = createServer({ allowHalfOpen: true }, (socket) => socket.on('error', () => socket.destroy()).pipe(socket)).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  guest.ports.set(7, (echo.address() as AddressInfo).port);
  listed = new Map();
  guest.client.subscribe('forwards', {}, {
    onSnapshot: (items) => items.forEach((item) => listed.set(item.id, item)),
    onChanges: (items, removed) => {
      items.forEach((item) => listed.set(item.id, item));
      removed.forEach((id) => listed.delete(id));
    },
    onError: () => undefined,
  });
});
afterEach(async () => {
  await guest.stop();
  echo.close();
  rmSync(dir, { recursive: true });
});

const open = (port = 7, localPort?: number): Promise<PortForward> =>
  guest.client.call('access.forward', { ...guestRef, port, ...(localPort === undefined ? {} : { localPort }) });

async function dial({ localPort }: PortForward): Promise<Socket> {
  const socket = connect(localPort, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

it('carries bytes both ways, many at once, and counts connections', async () => {
  const forward = await open();
  const sizes = [1, 70_000, 5_000_000];
  const answers = sizes.map(async (size) => {
    const socket = await dial(forward);
    const sent = Buffer.alloc(size, size % 251);
    let got = 0;
    let wrong = 0;
    const all = new Promise<void>((resolve) => {
      socket.on('data', (bytes: Buffer) => {
        got += bytes.length;
        wrong += bytes.every((byte) => byte === size % 251) ? 0 : 1;
        if (got === size) resolve();
      });
    });
    socket.write(sent);
    await all;
    socket.destroy();
    return [got, wrong];
  });
  expect(await Promise.all(answers)).toEqual(sizes.map((size) => [size, 0]));
  await vi.waitFor(() => expect(listed.get(forward.id)).toMatchObject({ connections: 0, total: 3 }));
  expect(listed.get(forward.id)?.error).toBeUndefined();
});

it('is reached on this computer alone, and the same port of a guest has one door', async () => {
  const forward = await open();
  expect(await open()).toMatchObject({ id: forward.id, localPort: forward.localPort });
  const other = Object.values((await import('node:os')).networkInterfaces()).flat().find((address) => address && !address.internal && address.family === 'IPv4');
  if (!other) return;
  const socket = connect(forward.localPort, other.address);
  await expect(once(socket, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

it('says that a port of this computer is in use', async () => {
  const taken = (echo.address() as AddressInfo).port;
  await expect(open(7, taken)).rejects.toMatchObject({ code: 'port-taken', field: 'localPort' });
  expect(listed.size).toBe(0);
});

it('tells why a connection failed, until one does not', async () => {
  const forward = await open(99);
  await buffer(await dial(forward)).catch(() => undefined);
  await vi.waitFor(() => expect(listed.get(forward.id)?.error).toMatchObject({ code: 'unreachable', message: 'Nothing answers at port 99 of vm.' }));
  guest.ports.set(99, (echo.address() as AddressInfo).port);
  const socket = await dial(forward);
  socket.write('hello');
  await once(socket, 'data');
  socket.destroy();
  await vi.waitFor(() => expect(listed.get(forward.id)).toMatchObject({ connections: 0, total: 2 }));
  expect(listed.get(forward.id)?.error).toBeUndefined();
});

it.each([
  [409, 'VMI is not running', 'not-running'],
  [409, 'VMI is paused', 'not-running'],
  [404, 'not found', 'not-running'],
  [403, 'forbidden', 'forbidden'],
  [500, 'dial tcp: refused', 'unreachable'],
])('takes %i (%s) as “%s”', async (status, message, code) => {
  guest.refuse(status, message);
  const forward = await open();
  await buffer(await dial(forward)).catch(() => undefined);
  await vi.waitFor(() => expect(listed.get(forward.id)?.error?.code).toBe(code));
});

it('ends with its connections when it is closed', async () => {
  const forward = await open();
  const socket = await dial(forward);
  socket.write('x');
  await once(socket, 'data');
  const ended = once(socket, 'close');
  await guest.client.call('access.closeForward', { id: forward.id });
  await ended;
  await vi.waitFor(() => expect(listed.size).toBe(0));
  await expect(dial(forward)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await expect(guest.client.call('access.closeForward', { id: forward.id })).rejects.toMatchObject({ code: 'not-found' });
});

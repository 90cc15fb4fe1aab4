import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { connectPooled, giveBack } from './pooled-socket.ts';

let folder: string;
let path: string;
let server: Server | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hayloft-pooled-'));
  path = join(folder, 'socket');
});

afterEach(() => {
  server?.close();
  rmSync(folder, { recursive: true });
});

const digest = (bytes: Buffer): string => createHash('sha1').update(bytes).digest('hex');

it('gives every byte as it was sent, and reads into what was given back', async () => {
  const sent = Buffer.alloc(16 * 2 ** 20, 0);
  for (let at = 0; at < sent.length; at += 4) sent.writeUInt32LE(at, at);
  server = createServer((other) => other.end(sent)).listen(path);
  const socket = connectPooled(path);
  const buffers = new Set<ArrayBufferLike>();
  const hash = createHash('sha1');
  let late: Buffer | undefined;
  socket.on('data', (chunk: Buffer) => {
    buffers.add(chunk.buffer);
    hash.update(chunk);
    // One is always still in use while the next is read.
    if (late) giveBack(late);
    late = chunk;
  });
  socket.resume();
  await once(socket, 'end');
  expect(hash.digest('hex')).toBe(digest(sent));
  expect(buffers.size).toBeLessThan(10);
});

it('leaves alone what has not been given back', async () => {
  const sent = Buffer.alloc(4 * 2 ** 20);
  for (let at = 0; at < sent.length; at += 4) sent.writeUInt32LE(at, at);
  server = createServer((other) => other.end(sent)).listen(path);
  const chunks: Buffer[] = [];
  const socket = connectPooled(path).on('data', (chunk: Buffer) => void chunks.push(chunk));
  socket.resume();
  await once(socket, 'end');
  expect(digest(Buffer.concat(chunks))).toBe(digest(sent));
});

it('stops reading while it is paused', async () => {
  let unsent = 0;
  server = createServer((other) => {
    other.on('error', () => undefined);
    other.write(Buffer.alloc(8 * 2 ** 20));
    unsent = other.writableLength;
  }).listen(path);
  let received = 0;
  const socket = connectPooled(path).on('data', (chunk: Buffer) => {
    received += chunk.length;
    giveBack(chunk);
    socket.pause();
  });
  await once(socket.resume(), 'data');
  const first = received;
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  expect(received).toBe(first);
  expect(unsent).toBeGreaterThan(0);
  socket.destroy();
});

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HayloftError } from '../contract/errors.ts';
import { carriers } from './carrier-pairs.ts';
import type { TestChannel } from './carrier-pairs.ts';
import { INITIAL_CREDIT, MAX_DATA_BYTES } from './frames.ts';
import type { ServerStream } from './handlers.ts';
import type { ByteStream } from './types.ts';

const ref = { clusterId: 'local', namespace: 'default', name: 'pc' };
const uploadParams = { clusterId: 'local', namespace: 'default', fileName: 'disk.img', sizeBytes: 1 };

async function readAll(stream: ByteStream): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of stream.chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

describe.each(carriers)('streams over %s', (_name, connect) => {
  let channel: TestChannel;
  beforeEach(async () => {
    channel = await connect();
  });
  afterEach(() => channel.dispose());

  it('carry bytes both ways, and end when the handler is done', async () => {
    channel.serveStreams({
      'images.upload': async (params, stream) => {
        stream.accept({ uploadId: params.fileName });
        const all = await readAll(stream);
        await stream.write(Buffer.from(all.toString().toUpperCase()));
      },
    });
    const stream = await channel.client.open('images.upload', uploadParams);
    expect(stream.opened).toEqual({ uploadId: 'disk.img' });
    await stream.write(Buffer.from('hello '));
    await stream.write(Buffer.from('loft'));
    stream.end();
    expect((await readAll(stream)).toString()).toBe('HELLO LOFT');
  });

  it('can be read on by a second reader', async () => {
    channel.serveStreams({
      'consoles.serial': async (_params, stream) => {
        stream.accept({});
        await stream.write(Buffer.from('a'));
        await stream.write(Buffer.from('b'));
      },
    });
    const stream = await channel.client.open('consoles.serial', ref);
    for await (const chunk of stream.chunks) {
      expect(Buffer.from(chunk).toString()).toBe('a');
      break;
    }
    expect((await readAll(stream)).toString()).toBe('b');
    // The handler is done, so nobody would read this.
    await vi.waitFor(() => expect(stream.write(Buffer.from('x'))).rejects.toMatchObject({ code: 'cancelled' }));
  });

  it('fail to open with the error of the handler', async () => {
    channel.serveStreams({ 'consoles.vnc': () => Promise.reject(new HayloftError('not-running', 'It is off.')) });
    await expect(channel.client.open('consoles.vnc', { ...ref, takeOver: true })).rejects.toMatchObject({ code: 'not-running' });
  });

  it.each(['up', 'down'])('move 64 MiB %s a slow reader in bounded memory', async (direction) => {
    const total = 64 * MAX_DATA_BYTES;
    let written = 0;
    let read = 0;
    let ahead = 0;
    // A byte's value tells its place, so that loss or disorder shows.
    const pattern = new Uint8Array(300_000).map((_, index) => index % 251);
    const sender = async (stream: ByteStream): Promise<void> => {
      while (written < total) {
        const size = Math.min(250_000, total - written);
        const start = written % 251;
        await stream.write(pattern.subarray(start, start + size));
        written += size;
        ahead = Math.max(ahead, written - read);
      }
      stream.end();
    };
    const receiver = async (stream: ByteStream): Promise<void> => {
      for await (const chunk of stream.chunks) {
        if (chunk[0] !== read % 251 || chunk.at(-1) !== (read + chunk.byteLength - 1) % 251) {
          throw new Error(`Wrong bytes at ${read}`);
        }
        read += chunk.byteLength;
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const server = Promise.withResolvers<undefined>();
    channel.serveStreams({
      'images.upload': async (_params, stream) => {
        stream.accept({ uploadId: '1' });
        await (direction === 'up' ? receiver(stream) : sender(stream)).then(() => server.resolve(undefined), server.reject);
      },
    });
    const stream = await channel.client.open('images.upload', uploadParams);
    await Promise.all([direction === 'up' ? sender(stream) : receiver(stream), server.promise]);
    expect(read).toBe(total);
    expect(ahead).toBeLessThanOrEqual(INITIAL_CREDIT + 250_000);
  });

  it('send nothing beyond the credit while nobody reads', async () => {
    const opened = Promise.withResolvers<ServerStream<{ uploadId: string }>>();
    channel.serveStreams({
      'images.upload': (_params, stream) => {
        stream.accept({ uploadId: '1' });
        opened.resolve(stream);
        return new Promise(() => undefined);
      },
    });
    const data = vi.spyOn(channel.renderer, 'sendData');
    const stream = await channel.client.open('images.upload', uploadParams);
    const write = stream.write(new Uint8Array(10 * MAX_DATA_BYTES));
    const sent = (): number => data.mock.calls.reduce((sum, [{ bytes }]) => sum + bytes.byteLength, 0);
    expect(sent()).toBe(INITIAL_CREDIT);
    const reader = (await opened.promise).chunks[Symbol.asyncIterator]();
    for (let left = 10 * MAX_DATA_BYTES; left > 0;) {
      const next = await reader.next();
      left -= next.done === true ? left : next.value.byteLength;
    }
    await write;
    expect(sent()).toBe(10 * MAX_DATA_BYTES);
  });

  it('close the carrier of a sender that ignores its credit', async () => {
    channel.serveStreams({
      'images.upload': (_params, stream) => {
        stream.accept({ uploadId: '1' });
        return new Promise(() => undefined);
      },
    });
    await channel.client.open('images.upload', uploadParams);
    const closed = new Promise<void>((resolve) => {
      channel.renderer.onClose = resolve;
    });
    for (let sent = 0; sent <= INITIAL_CREDIT; sent += MAX_DATA_BYTES) {
      channel.renderer.sendData({ id: 1, bytes: new Uint8Array(MAX_DATA_BYTES) });
    }
    await closed;
  });

  it('tell the backend of an abort, with its reason', async () => {
    const ended = Promise.withResolvers<unknown>();
    channel.serveStreams({
      'images.upload': async (_params, stream, { signal }) => {
        stream.accept({ uploadId: '1' });
        await readAll(stream).catch(ended.resolve);
        expect(signal.aborted).toBe(true);
      },
    });
    const stream = await channel.client.open('images.upload', uploadParams);
    stream.abort(new HayloftError('truncated', 'The file was cut short while it was read.'));
    expect(await ended.promise).toMatchObject({ code: 'truncated' });
    await expect(stream.write(new Uint8Array(1))).rejects.toMatchObject({ code: 'truncated' });
  });

  it('tell the renderer of an abort, and free a blocked writer', async () => {
    channel.serveStreams({
      'images.upload': (_params, stream) => {
        stream.accept({ uploadId: '1' });
        setImmediate(() => stream.abort(new HayloftError('no-space', 'The disk is full.')));
        return new Promise(() => undefined);
      },
    });
    const stream = await channel.client.open('images.upload', uploadParams);
    await expect(stream.write(new Uint8Array(2 * INITIAL_CREDIT))).rejects.toMatchObject({ code: 'no-space' });
    await expect(readAll(stream)).rejects.toMatchObject({ code: 'no-space' });
  });

  it('are given up by their signal, before and after they opened', async () => {
    const signals: AbortSignal[] = [];
    channel.serveStreams({
      'consoles.serial': (params, stream, { signal }) => {
        signals.push(signal);
        if (params.name === 'opens') stream.accept({});
        return new Promise(() => undefined);
      },
    });
    const controller = new AbortController();
    const never = channel.client.open('consoles.serial', ref, { signal: controller.signal });
    const opened = await channel.client.open('consoles.serial', { ...ref, name: 'opens' }, { signal: controller.signal });
    controller.abort();
    await expect(never).rejects.toMatchObject({ code: 'cancelled' });
    await expect(readAll(opened)).rejects.toMatchObject({ code: 'cancelled' });
    await vi.waitFor(() => expect(signals.map((signal) => signal.aborted)).toEqual([true, true]));
  });

  it('fail on both sides when the carrier closes', async () => {
    const ended = Promise.withResolvers<unknown>();
    channel.serveStreams({
      'consoles.serial': async (_params, stream) => {
        stream.accept({});
        await readAll(stream).catch(ended.resolve);
      },
    });
    const stream = await channel.client.open('consoles.serial', ref);
    channel.renderer.close();
    await expect(readAll(stream)).rejects.toMatchObject({ code: 'connection-lost' });
    expect(await ended.promise).toMatchObject({ code: 'connection-lost' });
  });
});
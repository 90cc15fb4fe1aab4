import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { RateLimit } from './rate-limit.ts';
import { UploadQueue } from './upload-queue.ts';

const mib = 2 ** 20;

const chunks = (count: number): AsyncIterable<Uint8Array> => Readable.from(Array.from({ length: count }, () => Buffer.alloc(mib)));

/** @returns milliseconds that it took, and the bytes that came */
async function pass(limit: RateLimit, count: number): Promise<{ ms: number; bytes: number }> {
  const begun = performance.now();
  let bytes = 0;
  for await (const chunk of limit.slowed(chunks(count))) bytes += chunk.byteLength;
  return { ms: performance.now() - begun, bytes };
}

describe('the limit on uploads', () => {
  it('holds for all of them together', async () => {
    const limit = new RateLimit();
    limit.bytesPerSecond = 8 * mib;
    const both = await Promise.all([pass(limit, 2), pass(limit, 2)]);
    expect(both.map(({ bytes }) => bytes)).toEqual([2 * mib, 2 * mib]);
    const ms = Math.max(...both.map((one) => one.ms));
    expect(ms).toBeGreaterThan(400);
    expect(ms).toBeLessThan(2000);
  });

  it('is none where nobody set one, and can be lifted on the way', async () => {
    const limit = new RateLimit();
    expect((await pass(limit, 200)).ms).toBeLessThan(500);
    limit.bytesPerSecond = 64 * 1024;
    const passing = pass(limit, 20);
    limit.bytesPerSecond = undefined;
    expect((await passing).bytes).toBe(20 * mib);
  });
});

describe('the places for uploads', () => {
  const { signal } = new AbortController();

  it('can become more and fewer while some are taken', async () => {
    const queue = new UploadQueue(1);
    const entered: number[] = [];
    const enter = async (n: number): Promise<() => void> => {
      const leave = await queue.enter(signal);
      entered.push(n);
      return leave;
    };
    const first = await enter(1);
    const waiting = [enter(2), enter(3), enter(4)];
    queue.setPlaces(2);
    const second = await waiting[0];
    expect(entered).toEqual([1, 2]);
    queue.setPlaces(1);
    first();
    await new Promise((resolve) => setImmediate(resolve));
    // Two were in, and one is to be: the next comes when both have left.
    expect(entered).toEqual([1, 2]);
    second?.();
    (await waiting[1])?.();
    await waiting[2];
    expect(entered).toEqual([1, 2, 3, 4]);
  });
});

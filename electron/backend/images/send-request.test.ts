import { EventEmitter } from 'node:events';
import type { ClientRequest } from 'node:http';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { sendRequest } from './send-request.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }));
afterEach(() => void vi.useRealTimers());

/** A connection that takes so many chunks, and then no more. */
class StandingRequest extends EventEmitter {
  #takes: number;
  ended = false;

  constructor(takes: number) {
    super();
    this.#takes = takes;
  }

  write(_chunk: Uint8Array, taken: () => void): void {
    if (this.#takes-- > 0) setImmediate(taken);
  }

  end(): void {
    this.ended = true;
  }

  destroy(error?: Error): void {
    if (error) this.emit('error', error);
    this.emit('close');
  }
}

// eslint-disable-next-line @typescript-eslint/require-await -- as a file's are
async function* chunks(): AsyncGenerator<Uint8Array> {
  for (let count = 0; count < 3; count++) yield Buffer.alloc(1);
}

it.each([1, 2])('counts a connection as lost that takes no byte for a minute after %i of 3 chunks', async (takes) => {
  const request = new StandingRequest(takes);
  const sent = sendRequest(request as unknown as ClientRequest, 'https://far', { chunks: chunks(), from: 0, to: 3 }, { signal: new AbortController().signal, progress: () => undefined });
  const failed = expect(sent).rejects.toMatchObject({ code: 'connection-lost', retryable: true });
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
  expect(request.ended).toBe(false);
  vi.advanceTimersByTime(70_000);
  await failed;
});

it('waits for the answer for as long as it takes once all is taken', async () => {
  const request = new StandingRequest(3);
  let over = false;
  const sent = sendRequest(request as unknown as ClientRequest, 'https://far', { chunks: chunks(), from: 0, to: 3 }, { signal: new AbortController().signal, progress: () => undefined });
  sent.catch(() => undefined).finally(() => (over = true));
  await vi.waitFor(() => expect(request.ended).toBe(true));
  vi.advanceTimersByTime(3_600_000);
  await new Promise(setImmediate);
  expect(over).toBe(false);
  request.destroy();
  await expect(sent).rejects.toMatchObject({ code: 'connection-lost' });
});

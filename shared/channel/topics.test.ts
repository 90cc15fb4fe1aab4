import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HayloftError } from '../contract/errors.ts';
import type { Upload } from '../contract/images.ts';
import { carriers } from './carrier-pairs.ts';
import type { TestChannel } from './carrier-pairs.ts';
import { BATCH_INTERVAL } from './subscription.ts';
import type { TopicListener } from './types.ts';

function upload(id: string, sentBytes = 0): Upload {
  const name = `image-${id}`;
  return { id, clusterId: 'local', namespace: 'default', name, fileName: 'a.iso', totalBytes: 9, sentBytes, rate: 0, state: 'sending' };
}

describe.each(carriers)('topics over %s', (_name, connect) => {
  let channel: TestChannel;
  beforeEach(async () => {
    channel = await connect();
  });
  afterEach(() => channel.dispose());

  let source: TopicListener<Upload>;
  const unsubscribed = vi.fn();
  const listener = { onSnapshot: vi.fn(), onChanges: vi.fn(), onError: vi.fn() };

  beforeEach(() => {
    vi.resetAllMocks();
    channel.serveTopics({
      uploads: () => ({
        subscribe: (subscriber) => {
          source = subscriber;
          subscriber.onSnapshot([upload('a'), upload('b')]);
          return unsubscribed;
        },
      }),
    });
  });

  it('sends a snapshot, then changes merged by key', async () => {
    channel.client.subscribe('uploads', {}, listener);
    await vi.waitFor(() => expect(listener.onSnapshot).toHaveBeenCalledWith([upload('a'), upload('b')]));
    for (let sent = 1; sent <= 1000; sent += 1) source.onChanges([upload('a', sent)], []);
    source.onChanges([upload('c')], []);
    source.onChanges([], ['b', 'c']);
    source.onChanges([upload('b', 5)], []);
    await vi.waitFor(() => expect(listener.onChanges).toHaveBeenCalled());
    expect(listener.onChanges.mock.calls).toEqual([[[upload('a', 1000), upload('b', 5)], ['c']]]);
  });

  it('keeps changes at least a batch apart, and sends nothing when nothing changes', async () => {
    const times: number[] = [];
    let last = 0;
    listener.onChanges.mockImplementation((upserted: Upload[]) => {
      times.push(performance.now());
      last = upserted[0]?.sentBytes ?? 0;
    });
    const control = vi.spyOn(channel.backend, 'sendControl');
    channel.client.subscribe('uploads', {}, listener);
    await vi.waitFor(() => expect(listener.onSnapshot).toHaveBeenCalled());
    for (let sent = 1; sent <= 30; sent += 1) {
      source.onChanges([upload('a', sent)], []);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await vi.waitFor(() => expect(last).toBe(30));
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect(times.length).toBeGreaterThan(1);
    // Arrival jitters by a few milliseconds; sending does not.
    expect(gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length).toBeGreaterThan(BATCH_INTERVAL - 5);
    expect(control).toHaveBeenCalledTimes(1 + times.length);
  });

  it('merges while the receiver is busy, instead of queueing', async () => {
    const held: (() => void)[] = [];
    const send = channel.renderer.sendControl.bind(channel.renderer);
    channel.renderer.sendControl = (message) => {
      if (message.t === 'ack') held.push(() => send(message));
      else send(message);
    };
    const control = vi.spyOn(channel.backend, 'sendControl');
    channel.client.subscribe('uploads', {}, listener);
    await vi.waitFor(() => expect(held).toHaveLength(1));
    source.onChanges([upload('a', 1)], []);
    await new Promise((resolve) => setTimeout(resolve, 2 * BATCH_INTERVAL));
    source.onChanges([upload('a', 2)], []);
    expect(control).toHaveBeenCalledTimes(1);
    held.shift()?.();
    await vi.waitFor(() => expect(listener.onChanges).toHaveBeenCalledWith([upload('a', 2)], []));
    expect(listener.onChanges).toHaveBeenCalledTimes(1);
  });

  it('is dropped at the source when nobody watches any more', async () => {
    const stop = channel.client.subscribe('uploads', {}, listener);
    await vi.waitFor(() => expect(listener.onSnapshot).toHaveBeenCalled());
    stop();
    await vi.waitFor(() => expect(unsubscribed).toHaveBeenCalledOnce());
    const control = vi.spyOn(channel.backend, 'sendControl');
    source.onChanges([upload('a', 1)], []);
    await new Promise((resolve) => setTimeout(resolve, 2 * BATCH_INTERVAL));
    expect(control).not.toHaveBeenCalled();
    expect(listener.onChanges).not.toHaveBeenCalled();
  });

  it('is dropped at the source when the window is gone', async () => {
    channel.client.subscribe('uploads', {}, listener);
    await vi.waitFor(() => expect(listener.onSnapshot).toHaveBeenCalled());
    channel.renderer.close();
    await vi.waitFor(() => expect(unsubscribed).toHaveBeenCalledOnce());
    expect(listener.onError).toHaveBeenCalledOnce();
  });

  it('passes the error that ends it on, once', async () => {
    channel.client.subscribe('uploads', {}, listener);
    await vi.waitFor(() => expect(listener.onSnapshot).toHaveBeenCalled());
    source.onError(new HayloftError('unauthorized', 'The token has expired.'));
    await vi.waitFor(() => expect(listener.onError).toHaveBeenCalledWith(expect.objectContaining({ code: 'unauthorized' })));
    expect(unsubscribed).toHaveBeenCalledOnce();
  });
});


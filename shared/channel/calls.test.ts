import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HayloftError } from '../contract/errors.ts';
import { carriers } from './carrier-pairs.ts';
import type { TestChannel } from './carrier-pairs.ts';

const ref = { clusterId: 'local', namespace: 'default', name: 'pc' };

describe.each(carriers)('calls over %s', (_name, connect) => {
  let channel: TestChannel;
  beforeEach(async () => {
    channel = await connect();
  });
  afterEach(() => channel.dispose());

  it('answers', async () => {
    channel.serveCalls({ 'images.uploadFile': (input) => Promise.resolve({ uploadId: `${input.fileName}!` }) });
    const target = { clusterId: 'local', namespace: 'default', fileName: 'a', path: '/a' };
    expect(await channel.client.call('images.uploadFile', target)).toEqual({ uploadId: 'a!' });
  });

  it('refuses bad input before its handler sees it, and names the field', async () => {
    const handler = vi.fn();
    channel.serveCalls({ 'machines.create': handler });
    const failure = channel.client.call('machines.create', { make: 'new', ...ref, source: { kind: 'iso' } } as never);
    await expect(failure).rejects.toMatchObject({ code: 'bad-input', field: 'source.image' });
    expect(handler).not.toHaveBeenCalled();
  });

  it.each(['no.such', '__proto__', 'toString'])('refuses the unknown name %s', async (name) => {
    channel.serveCalls({});
    await expect(channel.client.call(name as 'app.info', {})).rejects.toMatchObject({ code: 'unsupported' });
  });

  it('carries errors as data, with all that they say', async () => {
    const error = new HayloftError('conflict', 'Taken', { hint: 'Choose another', field: 'name', retryable: true });
    channel.serveCalls({ 'images.delete': () => Promise.reject(error) });
    const failure: unknown = await channel.client.call('images.delete', ref).catch((thrown: unknown) => thrown);
    expect(failure).toBeInstanceOf(HayloftError);
    expect((failure as HayloftError).toData()).toEqual(error.toData());
    expect(channel.internalErrors).toEqual([]);
  });

  it('reports faults of its own', async () => {
    channel.serveCalls({
      'images.delete': () => {
        throw new TypeError('x is not a function');
      },
    });
    await expect(channel.client.call('images.delete', ref)).rejects.toMatchObject({ code: 'internal' });
    expect(channel.internalErrors).toEqual(['images.delete']);
  });

  it('does not let through an answer that breaks the contract', async () => {
    channel.serveCalls({ 'images.uploadFile': () => Promise.resolve({ uploadId: 7 } as never) });
    const target = { clusterId: 'local', namespace: 'default', fileName: 'a', path: '/a' };
    await expect(channel.client.call('images.uploadFile', target)).rejects.toMatchObject({ code: 'internal' });
  });

  it('passes a cancellation on to the handler', async () => {
    const started = Promise.withResolvers<AbortSignal>();
    channel.serveCalls({
      'engine.retry': (_input, { signal }) => {
        started.resolve(signal);
        return new Promise(() => undefined);
      },
    });
    const controller = new AbortController();
    const answer = channel.client.call('engine.retry', {}, { signal: controller.signal });
    const signal = await started.promise;
    controller.abort();
    await expect(answer).rejects.toMatchObject({ code: 'cancelled' });
    await vi.waitFor(() => expect(signal.aborted).toBe(true));
    expect(signal.reason).toMatchObject({ code: 'cancelled' });
    await expect(channel.client.call('engine.retry', {}, { signal: controller.signal })).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('fails what is under way, and all that follows, when the carrier closes', async () => {
    const started = Promise.withResolvers<AbortSignal>();
    channel.serveCalls({
      'engine.retry': (_input, { signal }) => {
        started.resolve(signal);
        return new Promise(() => undefined);
      },
    });
    const answer = channel.client.call('engine.retry', {});
    const signal = await started.promise;
    channel.renderer.close();
    await expect(answer).rejects.toMatchObject({ code: 'connection-lost', retryable: true });
    await expect(channel.client.call('engine.retry', {})).rejects.toMatchObject({ code: 'connection-lost' });
    await expect(channel.client.open('consoles.serial', ref)).rejects.toMatchObject({ code: 'connection-lost' });
    const onError = vi.fn();
    channel.client.subscribe('uploads', {}, { onSnapshot: vi.fn(), onChanges: vi.fn(), onError });
    await vi.waitFor(() => expect(onError).toHaveBeenCalledWith(expect.objectContaining({ code: 'connection-lost' })));
    await vi.waitFor(() => expect(signal.aborted).toBe(true));
  });

  it('learns that the backend is gone', async () => {
    channel.serveCalls({ 'engine.retry': () => new Promise(() => undefined) });
    const answer = channel.client.call('engine.retry', {});
    channel.backend.close();
    await expect(answer).rejects.toMatchObject({ code: 'connection-lost' });
  });

  it.each([{ t: 'nonsense', id: 1 }, { t: 'cancel', id: -1 }, { t: 'call', id: 0, name: 'app.info' }, 'text', null])(
    'closes on the malformed frame %j',
    async (frame) => {
      channel.serveCalls({});
      const closed = new Promise<void>((resolve) => {
        channel.renderer.onClose = resolve;
      });
      channel.renderer.sendControl(frame as never);
      await closed;
    },
  );
});

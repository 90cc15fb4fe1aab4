import { describe, expect, it } from 'vitest';
import type { Upload } from '#shared/contract/images.ts';
import { newsOf, shareOf } from './upload-news.ts';

const upload = (change: Partial<Upload>): Upload => ({ id: 'a', clusterId: 'local', namespace: 'default', name: 'a', fileName: 'a.iso', totalBytes: 1000, sentBytes: 0, rate: 0, state: 'sending', ...change });

describe('news of uploads', () => {
  it('tell the share of all that goes on', () => {
    expect(shareOf([])).toBeUndefined();
    expect(shareOf([upload({ state: 'done', sentBytes: 1000 })])).toBeUndefined();
    expect(shareOf([upload({ sentBytes: 500 }), upload({ totalBytes: 3000, sentBytes: 29 }), upload({ state: 'failed' })])).toBe(0.13);
  });

  it('tell how one ended, but not what the person did', () => {
    expect(newsOf(upload({ state: 'done' }))).toEqual({ title: 'a.iso is ready', body: '1000 B uploaded.' });
    expect(newsOf(upload({ state: 'failed', error: { code: 'no-space', message: 'The disk is full.', retryable: false } }))).toEqual({ title: 'a.iso could not be uploaded', body: 'The disk is full.' });
    expect([newsOf(upload({ state: 'cancelled' })), newsOf(upload({}))]).toEqual([undefined, undefined]);
  });
});

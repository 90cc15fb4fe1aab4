import { describe, expect, it } from 'vitest';
import { Health } from './health.ts';

const told = (health: Health, path: string, query = ''): unknown => {
  const answer = health.answer(path, new URLSearchParams(query));
  return answer && [answer.status, String(answer.body)];
};

describe('health', () => {
  const health = new Health([
    { name: 'store', run: () => undefined },
    { name: 'shutdown', readiness: true, run: () => { throw new Error('going'); } },
  ]);

  it('is told in a word, and check by check when asked', () => {
    expect(told(health, '/livez')).toEqual([200, 'ok']);
    expect(told(health, '/livez', 'verbose')).toEqual([200, '[+]ping ok\n[+]store ok\nlivez check passed\n']);
    expect(told(health, '/healthz/store')).toEqual([200, 'ok']);
    expect(told(health, '/healthz/nothing')).toBeUndefined();
    expect(told(health, '/other')).toBeUndefined();
  });

  it('keeps being alive and being ready apart, and keeps the reason to itself', () => {
    expect(told(health, '/readyz')).toEqual([500, '[+]ping ok\n[+]store ok\n[-]shutdown failed: reason withheld\nreadyz check failed\n']);
    expect(told(health, '/readyz', 'exclude=shutdown')).toEqual([200, 'ok']);
  });
});

import { describe, expect, it } from 'vitest';
import { ApiError } from '../api/errors.ts';
import { FailedLogins, sourceOf } from './failed-logins.ts';

interface Rig {
  logins: FailedLogins;
  pauses: number[];
  blocks: [string, number][];
  pass: (ms: number) => void;
  /** `n` wrong tokens from an address; the last answer's code. */
  fail: (address: string, n: number) => Promise<number>;
}

function rig(): Rig {
  let now = 0;
  const pauses: number[] = [];
  const blocks: [string, number][] = [];
  const logins = new FailedLogins({
    now: () => now,
    pause: (ms) => {
      pauses.push(ms);
      return Promise.resolve();
    },
    blocked: (source, ms) => blocks.push([source, ms]),
  });
  const fail: Rig['fail'] = async (address, n) => {
    let code = 0;
    for (let i = 0; i < n; i += 1) {
      code = await logins.failed(address).then(() => 401, (error: unknown) => (error instanceof ApiError ? error.code : -1));
    }
    return code;
  };
  return { logins, pauses, blocks, pass: (ms) => (now += ms), fail };
}

describe('failed logins', () => {
  it('are answered late, then not at all, for longer each time', async () => {
    const { logins, pauses, blocks, pass, fail } = rig();
    expect(await fail('192.0.2.7', 9)).toBe(401);
    expect(pauses).toEqual([200, 400, 800, 1600, 2000, 2000]);
    expect(await fail('192.0.2.7', 1)).toBe(429);
    expect(() => logins.check('192.0.2.7')).toThrow(expect.objectContaining({ code: 429, details: { retryAfterSeconds: 5 } }));
    pass(5001);
    expect(() => logins.check('192.0.2.7')).not.toThrow();
    expect(await fail('192.0.2.7', 1)).toBe(429);
    for (let n = 0; n < 9; n += 1) {
      pass(300_001);
      await fail('192.0.2.7', 1);
    }
    expect(blocks.map(([, ms]) => ms / 1000)).toEqual([5, 10, 20, 40, 80, 160, 300, 300, 300, 300, 300]);
  });

  it('are forgotten in time', async () => {
    const { pass, fail } = rig();
    await fail('192.0.2.7', 9);
    pass(15 * 60_000 + 1);
    expect(await fail('192.0.2.7', 9)).toBe(401);
  });

  it('are nobody else’s, and never keep the owner out of this computer', async () => {
    const { logins, fail } = rig();
    await fail('192.0.2.7', 20);
    expect(await fail('192.0.2.8', 1)).toBe(401);
    expect(() => logins.check('192.0.2.8')).not.toThrow();
    expect(await fail('127.0.0.1', 20)).toBe(429);
    expect(() => logins.check('127.0.0.1')).not.toThrow();
    expect(() => logins.check(undefined)).not.toThrow();
  });

  it('take no more memory however many come', async () => {
    const { logins, fail } = rig();
    for (let n = 0; n < 10_000; n += 1) await fail(`10.0.${n >> 8}.${n & 255}`, 1);
    expect(logins.size).toBe(4096);
  });

  it('from many connections at once do not pile up', async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const logins = new FailedLogins({ pause: () => gate, blocked: () => undefined });
    const answers = Promise.all(Array.from({ length: 100 }, () => logins.failed('192.0.2.7').then(() => 401, () => 429)));
    release();
    expect((await answers).filter((code) => code === 401)).toHaveLength(9);
  });

  it.each<[string | undefined, string | undefined]>([
    [undefined, undefined],
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::1', '::1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ])('from %s are of %s', (address, source) => expect(sourceOf(address)).toBe(source));
});

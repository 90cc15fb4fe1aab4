import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { asLabel, decodeMessage, encodeMessage, nameBytes, types } from './dns-message.ts';
import { namesFor, uniqueRecords } from './service-records.ts';

describe('DNS messages', () => {
  it('come back as they went', () => {
    const names = namesFor('my.loft', 2);
    const answers = uniqueRecords({ host: 'my.loft', port: 8443, text: { a: 'b' } }, names, ['192.0.2.7', '2001:db8::7']);
    const questions = [{ name: asLabel('a.b (2)'), type: types.ANY, unicast: true }];
    const read = decodeMessage(encodeMessage({ id: 7, response: true, questions, answers }));
    expect(read).toEqual({ id: 7, response: true, questions, answers, authorities: [], additionals: [] });
    expect(names).toEqual({ instance: 'my (2)._hayloft._tcp.local', host: 'my-hayloft-2.local' });
  });

  it('may have compressed names, in their data, too', () => {
    // A question for a.local, then a PTR whose data is b and a pointer to `local`.
    const bytes = Buffer.concat([
      ...[Buffer.from([0, 0, 0x84, 0, 0, 1, 0, 1, 0, 0, 0, 0]), nameBytes('a.local'), Buffer.from([0, 12, 0, 1])],
      ...[Buffer.from([0xc0, 12, 0, 12, 0, 1, 0, 0, 0, 120, 0, 4, 1, 0x62, 0xc0, 14])],
    ]);
    expect(decodeMessage(bytes)?.answers).toEqual([{ name: 'a.local', type: types.PTR, ttl: 120, unique: false, data: nameBytes('b.local') }]);
  });

  it('that are none are known for it, whatever they are', () => {
    const circle = Buffer.from([0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 12, 0, 1]);
    expect(decodeMessage(circle)).toBeUndefined();
    const whole = encodeMessage({ questions: [{ name: 'a.local', type: types.A }] });
    for (let end = 0; end < whole.length; end += 1) expect(decodeMessage(whole.subarray(0, end))).toBeUndefined();
    for (let n = 0; n < 20_000; n += 1) {
      const bytes = n % 2 === 0 ? randomBytes(n % 200) : Buffer.from(whole);
      if (n % 2 === 1) bytes[n % bytes.length] = n & 255;
      expect(() => decodeMessage(bytes)).not.toThrow();
    }
  });
});

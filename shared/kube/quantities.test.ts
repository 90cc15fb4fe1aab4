import { describe, expect, it } from 'vitest';
import { formatBytesQuantity, parseQuantity } from './quantities.ts';

describe('parseQuantity', () => {
  it.each([
    ['512Mi', 512 * 2 ** 20],
    ['1.5Gi', 1.5 * 2 ** 30],
    ['2G', 2e9],
    ['500m', 0.5],
    ['12e6', 12e6],
    ['1E', 1e18],
    ['0', 0],
    [3, 3],
  ])('reads %s', (text, value) => {
    expect(parseQuantity(text)).toBe(value);
  });

  it.each(['', 'Gi', '1 Gi', '1gi', '1.2.3', 'ten', Number.NaN])('refuses %s', (text) => {
    expect(parseQuantity(text)).toBeUndefined();
  });
});

describe('formatBytesQuantity', () => {
  it('is exact and reads back to the same number', () => {
    for (const bytes of [0, 1, 1023, 1024, 10 * 2 ** 30, 2 ** 40 + 512]) {
      expect(parseQuantity(formatBytesQuantity(bytes))).toBe(bytes);
    }
    expect(formatBytesQuantity(20 * 2 ** 30)).toBe('20Gi');
  });
});

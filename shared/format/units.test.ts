import { describe, expect, it } from 'vitest';
import { formatAge, formatBitRate, formatBytes, formatDuration, formatPercent } from './units.ts';

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1 KiB'],
    [1536, '1.5 KiB'],
    [20 * 2 ** 30, '20 GiB'],
    [23.456 * 2 ** 30, '23.5 GiB'],
    [1023.9 * 2 ** 20, '1 GiB'],
    [5000 * 2 ** 40, '5000 TiB'],
  ])('%d is %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe('formatBitRate', () => {
  it.each([
    [0, '0 bit/s'],
    [999, '999 bit/s'],
    [1000, '1 kbit/s'],
    [999_499, '999 kbit/s'],
    [12_345_678, '12.3 Mbit/s'],
    [2.5e9, '2.5 Gbit/s'],
  ])('%d is %s', (bits, text) => {
    expect(formatBitRate(bits)).toBe(text);
  });
});

describe('formatPercent', () => {
  it.each([
    [0, '0 %'],
    [3.14, '3.1 %'],
    [42.4, '42 %'],
    [100, '100 %'],
  ])('%d is %s', (percent, text) => {
    expect(formatPercent(percent)).toBe(text);
  });
});

describe('formatDuration', () => {
  it.each([
    [-1, '0 s'],
    [59.4, '59 s'],
    [60, '1 min'],
    [3600, '1 h'],
    [7500, '2 h 5 min'],
    [400_000, '4 d'],
  ])('%d seconds is %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });
});

it('calls a moment ago just now', () => {
  expect(formatAge(1000, 2000)).toBe('just now');
  expect(formatAge(0, 120_000)).toBe('2 min ago');
});

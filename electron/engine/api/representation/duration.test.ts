import { expect, it } from 'vitest';
import { age, shortDuration } from './duration.ts';

const hour = 3600;
const day = 24 * hour;
const year = 365 * day;

it.each([
  [-5, '<invalid>'],
  [-1, '0s'],
  [119.9, '119s'],
  [120, '2m'],
  [5 * 60 + 3, '5m3s'],
  [10 * 60 + 3, '10m'],
  [3 * hour, '3h'],
  [3 * hour + 62, '3h1m'],
  [8 * hour + 59 * 60, '8h'],
  [2 * day, '2d'],
  [2 * day + 5 * hour, '2d5h'],
  [8 * day + 5 * hour, '8d'],
  [2 * year + 3 * day, '2y3d'],
  [9 * year + 3 * day, '9y'],
])('%d s is %s', (seconds, text) => {
  expect(shortDuration(seconds * 1000)).toBe(text);
});

it('does not know the age of what has no time', () => {
  expect([age(undefined, 0), age('soon', 0), age('1970-01-01T00:00:00Z', 60_000)]).toEqual(['<unknown>', '<unknown>', '60s']);
});

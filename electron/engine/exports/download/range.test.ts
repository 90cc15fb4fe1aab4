import { expect, it } from 'vitest';
import { partOf } from './range.ts';

it.each([
  [undefined, undefined],
  ['bytes=0-', { begin: 0, end: 100 }],
  ['bytes=10-19', { begin: 10, end: 20 }],
  ['bytes=90-200', { begin: 90, end: 100 }],
  ['bytes=-10', { begin: 90, end: 100 }],
  ['bytes=-200', { begin: 0, end: 100 }],
  ['bytes=100-', 'unsatisfiable'],
  ['bytes=-0', 'unsatisfiable'],
  // What makes no sense, and several parts at once, are answered with everything.
  ['bytes=20-10', undefined],
  ['bytes=0-1,5-6', undefined],
  ['lines=1-2', undefined],
])('reads %s', (header, part) => {
  expect(partOf(header, 100)).toEqual(part);
});

import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readHistory, writeHistory } from './file.ts';
import { Histories } from './histories.ts';
import { History } from './history.ts';
import { Ring } from './ring.ts';

const folder = mkdtempSync(join(tmpdir(), 'hayloft-history-'));
afterAll(() => rmSync(folder, { recursive: true }));

const rowsOf = (ring: Ring, sinceMs = -Infinity): [number, number[]][] => {
  const rows: [number, number[]][] = [];
  ring.read(sinceMs, (timeMs, row) => rows.push([timeMs, [...row]]));
  return rows;
};
const start = 1_000_000_000;

describe('a ring', () => {
  it('holds the last rows, oldest first', () => {
    const ring = new Ring(10, 3, 1);
    expect(rowsOf(ring)).toEqual([]);
    for (const [time, value] of [[100, 1], [110, 2], [125, 3], [130, 4]] as const) ring.write(time, [value]);
    expect(rowsOf(ring)).toEqual([[110, [2]], [120, [3]], [130, [4]]]);
    expect(rowsOf(ring, 110)).toEqual([[120, [3]], [130, [4]]]);
  });

  it('leaves out what was slept over, however long', () => {
    const ring = new Ring(10, 4, 2);
    ring.write(100, [1, NaN]);
    ring.write(130, [2, 5]);
    expect(rowsOf(ring)).toEqual([[100, [1, NaN]], [130, [2, 5]]]);
    ring.write(10_000_000, [3, 3]);
    expect(rowsOf(ring)).toEqual([[10_000_000, [3, 3]]]);
  });

  it('writes the newer of two rows of the same step', () => {
    const ring = new Ring(10, 4, 1);
    ring.write(100, [1]);
    ring.write(109, [2]);
    expect(rowsOf(ring)).toEqual([[100, [2]]]);
  });

  it('goes on when the clock was set back, without what is yet to come', () => {
    const ring = new Ring(10, 4, 1);
    for (const [time, value] of [[100, 1], [110, 2], [120, 3], [105, 4]] as const) ring.write(time, [value]);
    expect(rowsOf(ring)).toEqual([[100, [4]]]);
    ring.write(110, [5]);
    expect(rowsOf(ring)).toEqual([[100, [4]], [110, [5]]]);
  });
});

describe('a history', () => {
  it('has the mean of each minute, of what was known', () => {
    const history = new History(2);
    history.add(60_000, [1, NaN]);
    history.add(70_000, [3, 10]);
    history.add(125_000, [7, NaN]);
    expect(rowsOf(history.coarse)).toEqual([[60_000, [2, 10]], [120_000, [7, NaN]]]);
    expect(rowsOf(history.fine)).toHaveLength(3);
  });

  it('takes 50 KiB for the seven series of a machine', () => {
    const { fine, coarse } = new History(7);
    expect(fine.values.byteLength + coarse.values.byteLength).toBeLessThanOrEqual(50 * 1024);
  });

  it('is the same after it was written and read', () => {
    const path = join(folder, 'a.history');
    const history = new History(2);
    for (let index = 0; index < 500; index++) history.add(start + index * 10_000, [index, index % 3 === 0 ? NaN : -index]);
    writeHistory(path, ['a', 'b'], history);
    const again = readHistory(path, ['a', 'b']);
    expect(rowsOf(again.fine)).toEqual(rowsOf(history.fine));
    expect(rowsOf(again.coarse)).toEqual(rowsOf(history.coarse));
  });

  it('begins anew where its file is missing, damaged, or of other series', () => {
    const path = join(folder, 'b.history');
    expect(rowsOf(readHistory(path, ['a']).fine)).toEqual([]);
    const history = new History(1);
    history.add(start, [1]);
    writeHistory(path, ['a'], history);
    expect(rowsOf(readHistory(path, ['b']).fine)).toEqual([]);
    truncateSync(path, readFileSync(path).length - 1);
    expect(rowsOf(readHistory(path, ['a']).fine)).toEqual([]);
    writeFileSync(path, 'nonsense');
    expect(rowsOf(readHistory(path, ['a']).fine)).toEqual([]);
  });
});

describe('all histories', () => {
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

  it('are read again where they were closed, and go with their machines', () => {
    const own = join(folder, 'all');
    const histories = new Histories({ folder: own, log });
    histories.add('one', ['a'], start, [1]);
    histories.add('two', ['a'], start, [2]);
    histories.close('one');
    histories.add('one', ['a'], start + 10_000, [3]);
    expect(rowsOf(histories.get('one', ['a']).fine).map(([, row]) => row)).toEqual([[1], [3]]);
    histories.save();
    const later = new Histories({ folder: own, log });
    later.keepOnly(new Set(['two']));
    expect(rowsOf(later.get('one', ['a']).fine)).toEqual([]);
    expect(rowsOf(later.get('two', ['a']).fine)).toHaveLength(1);
    later.remove('two');
    expect(rowsOf(later.get('two', ['a']).fine)).toEqual([]);
  });
});

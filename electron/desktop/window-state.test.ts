import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fittingBounds, readWindowState, writeWindowState } from './window-state.ts';

const left = { x: 0, y: 25, width: 1920, height: 1055 };
const right = { x: 1920, y: 0, width: 1280, height: 1024 };
const at = (x: number, y: number, width = 1000, height = 700): Parameters<typeof fittingBounds>[0] => ({
  bounds: { x, y, width, height },
  maximized: false,
});

describe('the window’s bounds', () => {
  it.each([
    ['on the first display', at(100, 100), { x: 100, y: 100, width: 1000, height: 700 }],
    ['on the second display', at(2000, 10), { x: 2000, y: 10, width: 1000, height: 700 }],
    ['half beyond the left edge', at(-600, 100), { x: -600, y: 100, width: 1000, height: 700 }],
  ])('are kept %s', (_name, state, expected) => expect(fittingBounds(state, [left, right])).toEqual(expected));

  it.each([
    ['on a display that is gone', at(4000, 100)],
    ['below the displays', at(100, 1070)],
    ['with the title bar above the display', at(100, -400)],
    ['almost wholly beyond the left edge', at(-950, 100)],
  ])('lose their place %s', (_name, state) => {
    expect(fittingBounds(state, [left, right])).toEqual({ width: 1000, height: 700 });
  });

  it('are cut to the display, and never too small to use', () => {
    expect(fittingBounds(at(1920, 0, 3000, 3000), [right])).toEqual({ x: 1920, y: 0, width: 1280, height: 1024 });
    expect(fittingBounds(at(0, 30, 200, 100), [left])).toEqual({ x: 0, y: 30, width: 800, height: 560 });
  });

  it('are the usual ones at first', () => {
    expect(fittingBounds(undefined, [left])).toEqual({ width: 1280, height: 820 });
    expect(fittingBounds(undefined, [])).toEqual({ width: 1280, height: 820 });
  });
});

describe('the file', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hayloft-window-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('gives back what was written', () => {
    const path = join(folder, 'profile', 'window.json');
    const state = { bounds: { x: -5, y: 0, width: 900, height: 600 }, maximized: true };
    writeWindowState(path, state);
    expect(readWindowState(path)).toEqual(state);
  });

  it.each(['', '{', '[]', '{"bounds":{"x":"1"},"maximized":true}', '{"bounds":{"x":1e99,"y":0,"width":1,"height":1},"maximized":true}'])(
    'is ignored when it holds %s',
    (text) => {
      const path = join(folder, 'window.json');
      writeFileSync(path, text);
      expect(readWindowState(path)).toBeUndefined();
    },
  );

  it('need not be there', () => expect(readWindowState(join(folder, 'none'))).toBeUndefined());
});

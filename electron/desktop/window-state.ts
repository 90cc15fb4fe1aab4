/** Where the window was, kept from one run to the next. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';

export interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

const windowState = z.object({
  bounds: z.object({
    x: z.number().int(),
    y: z.number().int(),
    width: z.number().int().positive(),
    height: z.number().int().positive(),
  }),
  maximized: z.boolean(),
});
export type WindowState = z.infer<typeof windowState>;

export const MIN_WIDTH = 800;
export const MIN_HEIGHT = 560;
const usual = { width: 1280, height: 820 };

/** How much of the window's top edge must be on a display for a person to take hold of it. */
const GRIP_WIDTH = 120;
const GRIP_HEIGHT = 32;

/** The state in a file; undefined when there is none, or none that makes sense. */
export function readWindowState(path: string): WindowState | undefined {
  try {
    return windowState.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    // A first start, or a file that something else wrote: the usual window is right for both.
    return undefined;
  }
}

/** @throws the file system's error */
export function writeWindowState(path: string, state: WindowState): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(`${path}.new`, JSON.stringify(state));
  renameSync(`${path}.new`, path);
}

/**
 * The window's bounds on the displays of today: as they were if the window can still be reached, else without a
 * place, which lets the system choose one.
 * @param workAreas the displays without their bars, in screen coordinates
 */
export function fittingBounds(
  state: WindowState | undefined,
  workAreas: readonly Rectangle[],
): { x?: number; y?: number; width: number; height: number } {
  const largest = workAreas.reduce((a, b) => (b.width * b.height > a.width * a.height ? b : a), workAreas[0] ?? { x: 0, y: 0, ...usual });
  const area = state === undefined ? undefined : workAreas.find((candidate) => canBeGripped(state.bounds, candidate));
  const within = area ?? largest;
  const { width, height } = state?.bounds ?? usual;
  const size = {
    width: Math.min(Math.max(width, MIN_WIDTH), Math.max(within.width, MIN_WIDTH)),
    height: Math.min(Math.max(height, MIN_HEIGHT), Math.max(within.height, MIN_HEIGHT)),
  };
  return state === undefined || area === undefined ? size : { x: state.bounds.x, y: state.bounds.y, ...size };
}

function canBeGripped(bounds: Rectangle, area: Rectangle): boolean {
  const width = Math.min(bounds.x + bounds.width, area.x + area.width) - Math.max(bounds.x, area.x);
  return width >= GRIP_WIDTH && bounds.y >= area.y - 1 && bounds.y + GRIP_HEIGHT <= area.y + area.height;
}

/**
 * Which file of a chain may be merged into another. A layer that no snapshot holds any more and that exactly one other
 * is based on keeps room for data that nobody can see, and makes the chain longer. Read off the files, never remembered.
 */
import { rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { dependentsIn, namesIn, parseLayerName } from '../../disks/files/layers.ts';

export interface Merge {
  /** What nobody holds. */
  lower: string;
  /** The one file that is based on it. */
  upper: string;
  /**
   * `commit`: the upper one's changes go into the lower one, which takes its name. `absorb`: the upper one takes in what it
   * does not have yet. Either way the upper one reads the same at every moment, and whatever is cut off can begin again.
   */
  how: 'commit' | 'absorb';
  /** Bytes that are copied at most, and that must be free. */
  bytes: number;
}

/** @param isNeeded whether a snapshot holds the file, or a claim's disk is this very file */
export function mergesIn(folder: string, isNeeded: (path: string) => boolean): Merge[] {
  const dependents = dependentsIn(folder);
  return namesIn(folder).flatMap((name): Merge[] => {
    const lower = join(folder, name);
    const parsed = parseLayerName(name);
    const [upper, ...others] = dependents.get(lower) ?? [];
    // What is still being made has no layer's name.
    if (!parsed || upper === undefined || others.length > 0 || !parseLayerName(upper) || dirname(upper) !== folder || isNeeded(lower)) return [];
    const sizes = { lower: allocatedBytes(lower), upper: allocatedBytes(upper) };
    // A raw file cannot take the name of one that is none.
    const how = parsed.format === 'qcow2' && sizes.upper <= sizes.lower ? 'commit' : 'absorb';
    return [{ lower, upper, how, bytes: how === 'commit' ? sizes.upper : sizes.lower }];
  });
}

const allocatedBytes = (path: string): number => (statSync(path, { throwIfNoEntry: false })?.blocks ?? 0) * 512;

/**
 * Removes second names of files, which a guest's QEMU needed for a merge and did not live to give back.
 * @param isNeeded see {@link mergesIn}
 */
export function dropSecondNames(folder: string, isNeeded: (path: string) => boolean): void {
  const dependents = dependentsIn(folder);
  for (const name of namesIn(folder)) {
    const path = join(folder, name);
    if (parseLayerName(name) && !dependents.has(path) && !isNeeded(path) && (statSync(path, { throwIfNoEntry: false })?.nlink ?? 1) > 1) rmSync(path, { force: true });
  }
}

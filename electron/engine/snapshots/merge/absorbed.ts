/**
 * Files that another one takes in go when that is done. Between the two the engine may end, and the guest with it: then
 * nothing is based on the file any more, and nothing else tells that it is not somebody's disk. So it is noted beside it
 * beforehand. A file without such a note is never taken away for being unused.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ABSORBED_SUFFIX, dependentsIn, namesIn, parseLayerName } from '../../disks/files/layers.ts';

export const noteAbsorbed = (lower: string): void => writeFileSync(`${lower}${ABSORBED_SUFFIX}`, '', { mode: 0o600 });
export const forgetAbsorbed = (lower: string): void => rmSync(`${lower}${ABSORBED_SUFFIX}`, { force: true });
export const hasAbsorbed = (folder: string): boolean => namesIn(folder).some((name) => name.endsWith(ABSORBED_SUFFIX));

/**
 * Does what was left to do for merges that were cut off. Not while one is under way in the folder.
 * @param isNeeded whether a snapshot holds the file, or a claim's disk is this very file
 */
export function dropAbsorbed(folder: string, isNeeded: (path: string) => boolean): void {
  const notes = namesIn(folder).filter((name) => name.endsWith(ABSORBED_SUFFIX));
  if (notes.length === 0) return;
  const dependents = dependentsIn(folder);
  for (const note of notes) {
    const lower = join(folder, note.slice(0, -ABSORBED_SUFFIX.length));
    if (parseLayerName(lower) && !dependents.has(lower) && !isNeeded(lower)) rmSync(lower, { force: true });
    forgetAbsorbed(lower);
  }
}

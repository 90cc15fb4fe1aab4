/** What becomes of the disks of a machine that is deleted. */
import type { DoomedDisk } from '#shared/contract/machine-actions.ts';

/** Disks that are left behind take up room unseen, so those that were made for the machine go unless somebody wants them. */
export const goesAlong = (disk: DoomedDisk): boolean => disk.owned && whyStays(disk) === undefined;

/** Why a disk cannot be deleted with it. */
export function whyStays({ usedBy, image }: DoomedDisk): string | undefined {
  if (usedBy.length > 0) return `It stays: ${usedBy.join(', ')} ${usedBy.length === 1 ? 'uses' : 'use'} it, too.`;
  return image ? 'It stays: it is an image, for other machines to be made of.' : undefined;
}

/** Names what is left. */
export function keptWords(kept: readonly DoomedDisk[]): string {
  if (kept.length === 0) return '';
  return `Kept: ${kept.map(({ claim }) => claim).join(', ')}.`;
}

/** Words, order and search of the storage page. */
import type { StatusTone } from '#shared/contract/machines.ts';
import type { StorageClassRow, StorageVolumeRow } from '#shared/contract/storage.ts';
import { formatBytes } from '#shared/format/units.ts';

export const usedWords = ({ usedBytes }: Pick<StorageClassRow, 'usedBytes'>): string => (usedBytes === undefined ? 'Not known' : formatBytes(usedBytes));

const ranks: Record<StatusTone, number> = { bad: 0, warning: 1, busy: 2, off: 3, good: 3 };

/** What needs somebody comes first; the rest by name. */
export function worstFirst(a: StorageVolumeRow, b: StorageVolumeRow): number {
  return ranks[a.tone] - ranks[b.tone] || nameOf(a).localeCompare(nameOf(b)) || a.key.localeCompare(b.key);
}

/** Whether a volume's names, or its state, have this in them. */
export function matches(volume: StorageVolumeRow, search: string): boolean {
  const wanted = search.trim().toLowerCase();
  const { namespace, volume: behind, storageClass, machines, nodes, label } = volume;
  return [nameOf(volume), namespace, behind, storageClass, label, ...machines, ...nodes].some((text) => text?.toLowerCase().includes(wanted));
}

const nameOf = ({ claim, volume }: StorageVolumeRow): string => claim ?? volume ?? '';

/** What Longhorn's disks say of themselves. Pure. */
import type { StatusTone } from '#shared/contract/machines.ts';
import { findCondition } from '#shared/kube/machine-status.ts';
import type { LonghornDiskStatus, LonghornNode } from '#shared/kube/longhorn.ts';

export interface DiskVerdict {
  tone: StatusTone;
  label: string;
  sentence: string;
}

/** Longhorn says it of a disk that has too little free, and of one of which all was promised (its node_controller.go). */
const isFull = ({ conditions }: LonghornDiskStatus): boolean => {
  const condition = findCondition(conditions, 'Schedulable');
  return condition?.status === 'False' && condition.reason === 'DiskPressure';
};

/** Disks that take no more copies for want of room. */
export function fullDisks(nodes: readonly LonghornNode[]): { node: string; disk: string }[] {
  return nodes.flatMap(({ metadata, status }) =>
    Object.entries(status?.diskStatus ?? {})
      .filter(([, told]) => isFull(told))
      .map(([disk]) => ({ node: metadata.name ?? '', disk })),
  );
}

/** @param minimalAvailable percent of the disk that must be really free for a copy to come (Longhorn's setting) */
export function judgeDisk(node: LonghornNode, disk: string, minimalAvailable: number): DiskVerdict {
  const told = node.status?.diskStatus?.[disk];
  const asked = node.spec.disks?.[disk];
  const ready = findCondition(node.status?.conditions, 'Ready')?.status;
  const name = node.metadata.name ?? '';
  if (ready === 'False' || ready === 'Unknown') return { tone: 'bad', label: 'Node down', sentence: `${name} does not answer: start it again.` };
  if (!told) return { tone: 'warning', label: 'Not known', sentence: 'Longhorn has said nothing of it yet.' };
  const condition = findCondition(told.conditions, 'Ready');
  if (condition?.status === 'False') return { tone: 'bad', label: 'Not ready', sentence: condition.message || 'Longhorn cannot use it: check that it is mounted.' };
  if (asked?.evictionRequested || node.spec.evictionRequested) return { tone: 'busy', label: 'Being emptied', sentence: 'Its copies are moved to other disks.' };
  if (isFull(told)) {
    const { storageAvailable = 0, storageMaximum = 0 } = told;
    const low = storageAvailable <= (storageMaximum * minimalAvailable) / 100;
    return {
      tone: 'bad',
      label: 'Full',
      sentence: low
        ? `Less than ${String(minimalAvailable)} % of it is free, so no copy comes here any more: delete what is not needed, or add a disk.`
        : 'All of it was promised to volumes, so no copy comes here any more: delete volumes that nobody needs, or add a disk.',
    };
  }
  if (asked?.allowScheduling === false || node.spec.allowScheduling === false) return { tone: 'off', label: 'Takes no copies', sentence: 'Somebody turned scheduling off for it.' };
  const schedulable = findCondition(told.conditions, 'Schedulable');
  if (schedulable?.status === 'False') return { tone: 'warning', label: 'Takes no copies', sentence: schedulable.message || 'Longhorn puts no copies here now.' };
  return { tone: 'good', label: 'Ready', sentence: 'It takes copies.' };
}

/** How much Longhorn would still put on each disk. Pure. */
import type { Condition } from '#shared/kube/object.ts';
import { findCondition } from '#shared/kube/machine-status.ts';
import type { LonghornRoom } from './room.ts';

const percent = 100;

/**
 * Bytes that one more copy of a new volume may have, by node, for each disk that Longhorn would use. The rule is its
 * replica scheduler's (`IsSchedulableToDisk`, longhorn-manager's scheduler/replica_scheduler.go): what is promised stays
 * within the maximum less what is reserved, times the over-provisioning; and while less than the least share is really
 * free, nothing new comes there.
 * @param tags that a disk, or its node, must have, from the class
 */
export function copyRoom({ nodes, overProvisioning, minimalAvailable }: LonghornRoom, tags: { disk: string[]; node: string[] }): Map<string, number[]> {
  const room = new Map<string, number[]>();
  for (const { metadata, spec, status } of nodes) {
    const usable = spec.allowScheduling !== false && spec.evictionRequested !== true && isGood(status?.conditions);
    if (!usable || !hasAll(spec.tags, tags.node)) continue;
    const free = Object.entries(spec.disks ?? {}).flatMap(([id, disk]) => {
      const told = status?.diskStatus?.[id];
      if (!told || disk.allowScheduling === false || disk.evictionRequested === true || !hasAll(disk.tags, tags.disk)) return [];
      const { storageMaximum: maximum = 0, storageAvailable: available = 0, storageScheduled: scheduled = 0 } = told;
      if (!isGood(told.conditions) || available <= (maximum * minimalAvailable) / percent) return [];
      return [Math.max(0, ((maximum - (disk.storageReserved ?? 0)) * overProvisioning) / percent - scheduled)];
    });
    if (free.length > 0) room.set(metadata.name ?? '', free);
  }
  return room;
}

/** A disk that is full says itself that it is not schedulable; one that says nothing is taken at its figures. */
const isGood = (conditions: readonly Condition[] | undefined): boolean =>
  ['Ready', 'Schedulable'].every((type) => findCondition(conditions, type)?.status !== 'False');

const hasAll = (has: readonly string[] = [], wanted: readonly string[]): boolean => wanted.every((tag) => has.includes(tag));

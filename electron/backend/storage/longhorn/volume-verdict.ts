/** What is wrong with a Longhorn volume, and what to do, in one sentence. Pure. */
import { findCondition } from '#shared/kube/machine-status.ts';
import type { Condition, KubeObject } from '#shared/kube/object.ts';
import type { LonghornNode } from '#shared/kube/longhorn.ts';

/** The fields of `longhorn.io/v1beta2` that the verdict reads. */
export interface LonghornVolume extends KubeObject {
  spec: { numberOfReplicas?: number };
  status?: { state?: string; robustness?: string; conditions?: Condition[] };
}
export interface LonghornReplica extends KubeObject {
  spec: { volumeName?: string; nodeID?: string };
}
export interface LonghornEngine extends KubeObject {
  spec: { volumeName?: string };
  status?: { rebuildStatus?: Record<string, { isRebuilding?: boolean; progress?: number }> | null };
}

export type VolumeState = 'healthy' | 'detached' | 'degraded' | 'rebuilding' | 'faulted' | 'disk full' | 'node down';
export interface VolumeVerdict {
  state: VolumeState;
  sentence: string;
}

/**
 * Judges one volume by what Longhorn says of it, its copies, its engine and the nodes.
 * A detached volume's robustness is `unknown`: that is not a fault, while `faulted` is told of detached volumes, too.
 */
export function judgeVolume(
  volume: LonghornVolume,
  { replicas, engines, nodes }: { replicas: readonly LonghornReplica[]; engines: readonly LonghornEngine[]; nodes: readonly LonghornNode[] },
): VolumeVerdict {
  const name = volume.metadata.name ?? '';
  const { robustness, conditions } = volume.status ?? {};
  const homes = replicas.filter(({ spec }) => spec.volumeName === name).map(({ spec }) => spec.nodeID);
  const down = nodes
    .filter(({ metadata, status }) => homes.includes(metadata.name) && findCondition(status?.conditions, 'Ready')?.status === 'False')
    .map(({ metadata }) => metadata.name ?? '');
  const away = down.join(' and ');
  if (robustness === 'faulted') {
    return {
      state: 'faulted',
      sentence: away
        ? `No copy can be used, and ${away} does not answer: start it again before you salvage the volume.`
        : 'No copy can be used: turn its machine off and salvage the volume from its latest copy, or restore a backup.',
    };
  }
  const rebuild = engines
    .filter(({ spec }) => spec.volumeName === name)
    .flatMap(({ status }) => Object.values(status?.rebuildStatus ?? {}))
    .find(({ isRebuilding }) => isRebuilding === true);
  if (rebuild) return { state: 'rebuilding', sentence: `A copy is being rebuilt (${String(rebuild.progress ?? 0)} %): wait until it is done before you turn a node off.` };
  if (robustness === 'degraded' && away) {
    return { state: 'node down', sentence: `A copy is missing because ${away} does not answer: start it again, or Longhorn makes a new copy elsewhere if there is room.` };
  }
  if (findCondition(conditions, 'Scheduled')?.status === 'False') {
    return { state: 'disk full', sentence: 'Longhorn finds no disk with room for a copy: free space, add a disk or ask for fewer copies.' };
  }
  if (robustness === 'degraded') {
    return { state: 'degraded', sentence: `Fewer than its ${String(volume.spec.numberOfReplicas ?? 0)} copies are in use: check the nodes and disks, as Longhorn makes a new copy where it can.` };
  }
  if (robustness === 'healthy') return { state: 'healthy', sentence: 'All copies are in use.' };
  return { state: 'detached', sentence: 'No machine uses it now; Longhorn tells its health when it is attached.' };
}

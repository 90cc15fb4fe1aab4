/** What is wrong with a Longhorn volume, and what to do, in one sentence. Pure. */
import { findCondition } from '#shared/kube/machine-status.ts';
import type { LonghornEngine, LonghornNode, LonghornReplica, LonghornVolume } from '#shared/kube/longhorn.ts';
import { fullDisks } from './disk-verdict.ts';

export type VolumeState = 'healthy' | 'detached' | 'unknown' | 'restoring' | 'degraded' | 'rebuilding' | 'faulted' | 'disk full' | 'no place' | 'node down';
export interface VolumeVerdict {
  state: VolumeState;
  sentence: string;
}

export interface LonghornObjects {
  replicas: readonly LonghornReplica[];
  engines: readonly LonghornEngine[];
  nodes: readonly LonghornNode[];
}

/** Longhorn's own words in a volume's `Scheduled` condition (its v1beta2 node.go). */
const insufficientStorage = 'insufficient storage';

/** Judges one volume by what Longhorn says of it, its copies, its engine and the nodes. */
export function judgeVolume(volume: LonghornVolume, { replicas, engines, nodes }: LonghornObjects): VolumeVerdict {
  const { status } = volume;
  if (status === undefined || !status.state) return { state: 'unknown', sentence: 'Longhorn has said nothing of it yet.' };
  const name = volume.metadata.name ?? '';
  const copies = replicas.filter(({ spec }) => spec.volumeName === name);
  const down = nodes.filter(isDown).map(({ metadata }) => metadata.name ?? '').filter((node) => copies.some(({ spec }) => spec.nodeID === node));
  const away = down.length === 0 ? '' : `${together(down)} ${down.length === 1 ? 'does' : 'do'} not answer: start ${down.length === 1 ? 'it' : 'them'} again`;
  if (status.robustness === 'faulted') return faulted(volume, copies, nodes, away);
  if (status.isStandby === true) return { state: 'restoring', sentence: 'It follows the backups of another volume, and can be used once it is activated.' };
  if (status.restoreRequired === true) return { state: 'restoring', sentence: 'Its contents are coming from a backup: it can be used when all of them are there.' };
  const rebuilt = engines
    .filter(({ spec }) => spec.volumeName === name)
    .flatMap(({ status: told }) => Object.values(told?.rebuildStatus ?? {}))
    .filter(({ isRebuilding }) => isRebuilding === true)
    .map(({ progress = 0 }) => `${String(progress)} %`);
  if (rebuilt.length > 0) {
    const what = rebuilt.length === 1 ? 'A copy is' : `${String(rebuilt.length)} copies are`;
    return { state: 'rebuilding', sentence: `${what} being rebuilt (${together(rebuilt)}): wait until that is done before you turn a node off.` };
  }
  if (status.robustness === 'degraded' && away) {
    return { state: 'node down', sentence: `Copies are missing because ${away}, or Longhorn makes new ones elsewhere if there is room.` };
  }
  const scheduled = findCondition(status.conditions, 'Scheduled');
  if (scheduled?.status === 'False') return unplaced(scheduled.message ?? '', nodes);
  if (status.robustness === 'degraded') {
    return { state: 'degraded', sentence: `Fewer than its ${String(volume.spec.numberOfReplicas ?? 0)} copies are in use: check the nodes and disks, as Longhorn makes a new copy where it can.` };
  }
  if (status.robustness === 'healthy') return { state: 'healthy', sentence: 'All copies are in use.' };
  if (status.state === 'detached') return { state: 'detached', sentence: 'No machine uses it now; Longhorn tells its health when it is attached.' };
  return { state: 'unknown', sentence: `It is ${status.state} now; Longhorn tells its health afterwards.` };
}

/**
 * Longhorn salvages only a detached volume, and only from copies that failed on nodes that answer (`Salvage` in
 * longhorn-manager's manager/volume.go).
 */
function faulted({ status }: LonghornVolume, copies: readonly LonghornReplica[], nodes: readonly LonghornNode[], away: string): VolumeVerdict {
  const say = (sentence: string): VolumeVerdict => ({ state: 'faulted', sentence: `No copy can be used${sentence}` });
  if (findCondition(status?.conditions, 'Restore')?.reason === 'RestoreFailure') return say(', as restoring its backup failed: delete it and restore the backup again.');
  if (away) return say(`, and ${away} before you salvage the volume.`);
  const down = new Set(nodes.filter(isDown).map(({ metadata }) => metadata.name));
  if (!copies.some(({ spec }) => spec.failedAt && spec.nodeID && !down.has(spec.nodeID))) return say(', and none is left to salvage it from: restore a backup.');
  if (status?.state !== 'detached') return say(': turn its machine off, as Longhorn salvages a volume only when it is detached.');
  return say(': salvage it in Longhorn’s own page from the copy that failed last, or restore a backup.');
}

/** Of room speaks only who was told so: by the condition's message, or by disks that say that they are full. */
function unplaced(message: string, nodes: readonly LonghornNode[]): VolumeVerdict {
  const full = fullDisks(nodes).map(({ node }) => node);
  if (full.length > 0 || message.includes(insufficientStorage)) {
    const where = full.length > 0 ? `The disks on ${together([...new Set(full)])} are full` : 'No disk has room for a copy of its size';
    return { state: 'disk full', sentence: `${where}, and a copy finds no place: free space, add a disk or ask for fewer copies.` };
  }
  return {
    state: 'no place',
    sentence: `No node or disk fits for a copy${message ? ` (${message})` : ''}: check that enough nodes answer and may take copies, and that their tags are those it asks for.`,
  };
}

/** Kubernetes says `Unknown` of a node whose kubelet it does not hear. */
export function isDown({ status }: LonghornNode): boolean {
  const ready = findCondition(status?.conditions, 'Ready')?.status;
  return ready === 'False' || ready === 'Unknown';
}

function together(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;
}

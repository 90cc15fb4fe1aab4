import type { ClusterState } from '#shared/contract/clusters.ts';
import type { StatusTone } from '#shared/contract/machines.ts';

const words: Record<ClusterState, { tone: StatusTone; label: string }> = {
  connecting: { tone: 'busy', label: 'Connecting' },
  ready: { tone: 'good', label: 'Ready' },
  degraded: { tone: 'warning', label: 'Degraded' },
  unreachable: { tone: 'bad', label: 'Unreachable' },
  unauthorized: { tone: 'bad', label: 'Not signed in' },
};

/** A cluster's state as a badge shows it. */
export function clusterWords(state: ClusterState): { tone: StatusTone; label: string } {
  return words[state];
}

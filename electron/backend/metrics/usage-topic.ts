/** What every running machine uses now, for lists: one request for a cluster, while somebody looks. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { TopicSource } from '#shared/channel/types.ts';
import { asHayloftError } from '#shared/contract/errors.ts';
import { refKey } from '#shared/contract/machines.ts';
import type { MachineUsage } from '#shared/contract/metrics.ts';
import type { PodMetrics } from '#shared/kube/metrics.ts';
import type { KubeList } from '#shared/kube/object.ts';
import type { Clusters } from '../clusters/clusters.ts';
import type { ClusterConnection } from '../clusters/connection.ts';
import { Topic } from '../topics/topic.ts';
import { currentMs, metricsBase, sumOf, usagesOf } from './current-source.ts';

const selector = encodeURIComponent('kubevirt.io=virt-launcher');
/** What a cluster has not, it is not asked for as often. */
const withoutMs = 60_000;

export function usageTopic(clusters: Clusters, clusterId: string | undefined): TopicSource<MachineUsage> {
  return {
    subscribe: (listener) => {
      const topic = new Topic<MachineUsage>({ key: (item) => item.key });
      const following = new Map<ClusterConnection, AbortController>();
      const added = (cluster: ClusterConnection): void => {
        const stop = new AbortController();
        following.set(cluster, stop);
        void follow(cluster, topic, stop.signal);
      };
      const removed = (cluster: ClusterConnection): void => {
        following.get(cluster)?.abort();
        following.delete(cluster);
        show(cluster, topic, []);
      };
      const set = clusters.select(clusterId);
      set.current.forEach(added);
      const unfollow = set.follow({ added, removed });
      const unsubscribe = topic.subscribe(listener);
      return () => {
        unsubscribe();
        unfollow();
        for (const stop of following.values()) stop.abort();
      };
    },
  };
}

async function follow(cluster: ClusterConnection, topic: Topic<MachineUsage>, signal: AbortSignal): Promise<void> {
  const over = (): boolean => signal.aborted;
  while (!over()) {
    let pauseMs = currentMs;
    try {
      const client = await cluster.client(signal);
      const { items } = await client.call<KubeList<PodMetrics>>('GET', `${metricsBase}/pods?labelSelector=${selector}`, { signal });
      if (!over()) show(cluster, topic, usageOf(cluster.id, items));
    } catch (error) {
      if (over()) return;
      // Old figures must not look like new ones.
      show(cluster, topic, []);
      const { code } = asHayloftError(error);
      if (code === 'not-found' || code === 'forbidden') pauseMs = withoutMs;
    }
    await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

/** Pods name their machine by a label; while it migrates, two name the same. */
function usageOf(clusterId: string, pods: readonly PodMetrics[]): MachineUsage[] {
  const byMachine = new Map<string, PodMetrics[]>();
  for (const pod of pods) {
    const name = pod.metadata.labels?.['vm.kubevirt.io/name'];
    if (name === undefined) continue;
    const key = refKey({ clusterId, namespace: pod.metadata.namespace ?? '', name });
    byMachine.set(key, [...(byMachine.get(key) ?? []), pod]);
  }
  return [...byMachine].map(([key, own]) => ({ key, cpu: sumOf(usagesOf(own), 'cpu'), memoryBytes: sumOf(usagesOf(own), 'memory') }));
}

function show(cluster: ClusterConnection, topic: Topic<MachineUsage>, items: MachineUsage[]): void {
  const keys = new Set(items.map(({ key }) => key));
  for (const { key } of topic.values()) if (key.startsWith(`${cluster.id}/`) && !keys.has(key)) topic.remove(key);
  if (items.length > 0) topic.put(...items);
}

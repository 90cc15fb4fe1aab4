/** A cluster's storage as a topic: worked out anew when something changes that it depends on, told row by row. */
import type { TopicSource } from '#shared/channel/types.ts';
import type { StorageRow } from '#shared/contract/storage.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import type { Clusters } from '../clusters/clusters.ts';
import type { ClusterConnection } from '../clusters/connection.ts';
import { claims, dataVolumes, nodes, snapshotContents, snapshots, virtualMachines, type Kind } from '../clusters/kinds.ts';
import { snapshotRow } from '../machine-actions/snapshots-topic.ts';
import { Topic } from '../topics/topic.ts';
import { classRows, diskRows } from './class-rows.ts';
import type { AskedStorage, StorageSources } from './storage-sources.ts';
import { volumeRows } from './volume-rows.ts';

/** Changes come in crowds; nobody needs each of them. */
const afterMs = 250;
const watched: readonly Kind<KubeObject>[] = [claims, dataVolumes, nodes, snapshotContents, snapshots, virtualMachines];

export function storageTopic(clusters: Clusters, sources: StorageSources, clusterId: string): TopicSource<StorageRow> {
  return {
    subscribe: (listener) => {
      const cluster = clusters.get(clusterId);
      const topic = new Topic<StorageRow>({ key: ({ key }) => key, settled: false });
      const caches = watched.map((kind) => cluster.cache(kind));
      const shown = new Map<string, string>();
      let timer: NodeJS.Timeout | undefined;
      let known = false;
      const show = (): void => {
        timer = undefined;
        const asked = sources.latest(cluster, '');
        if (!asked || !known) return;
        const rows = storageRows(asked, cluster);
        const now = new Map(rows.map((row) => [row.key, JSON.stringify(row)]));
        topic.put(...rows.filter(({ key }) => now.get(key) !== shown.get(key)));
        for (const key of [...shown.keys()].filter((old) => !now.has(old))) topic.remove(key);
        shown.clear();
        for (const [key, text] of now) shown.set(key, text);
        topic.settle();
      };
      const later = (): void => void (timer ??= setTimeout(show, afterMs));
      const stops = [...caches.map((cache) => cache.watch(later)), sources.follow(cluster, '', later), topic.subscribe(listener)];
      void Promise.all(caches.map((cache) => cache.completed())).then(() => {
        known = true;
        show();
      });
      return () => {
        clearTimeout(timer);
        for (const stop of stops) stop();
      };
    },
  };
}

function storageRows(asked: AskedStorage, cluster: ClusterConnection): StorageRow[] {
  const hosts = [...cluster.cache(nodes).objects.values()];
  const volumes = volumeRows(asked, {
    clusterId: cluster.id,
    claims: [...cluster.cache(claims).objects.values()],
    machines: [...cluster.cache(virtualMachines).objects.values()],
    dataVolumes: cluster.cache(dataVolumes).objects,
    nodes: hosts.map(({ metadata }) => metadata.name ?? ''),
  });
  const contents = cluster.cache(snapshotContents).objects;
  const taken = [...cluster.cache(snapshots).objects.values()].map((found): StorageRow => {
    const snapshot = snapshotRow(cluster.id, found, contents.get(`${found.metadata.namespace ?? ''}/${found.status?.virtualMachineSnapshotContentName ?? ''}`));
    return { kind: 'snapshot', key: `snapshot/${snapshot.key}`, snapshot };
  });
  return [...classRows(asked, volumes), ...volumes, ...diskRows(asked, hosts), ...taken, ...gapsOf(asked)];
}

/** What this user may not read, as sentences. */
export function gapsOf({ classes, longhorn }: AskedStorage): StorageRow[] {
  const gap = (key: string, sentence: string): StorageRow => ({ kind: 'gap', key: `gap/${key}`, sentence });
  return [
    ...(classes ? [] : [gap('classes', 'Storage classes may not be read by this user, so their names are those that volumes have.')]),
    ...(longhorn && !longhorn.room ? [gap('disks', 'Longhorn’s nodes may not be read by this user, so how much room its disks have is not known.')] : []),
    ...(longhorn && !longhorn.volumes ? [gap('volumes', 'Longhorn’s volumes may not be read by this user, so their health and use is not known.')] : []),
  ];
}

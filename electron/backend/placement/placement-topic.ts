/** Whether a machine fits, as a topic: judged anew whenever something changes that it depends on. */
import type { TopicSource } from '#shared/channel/types.ts';
import type { Placement, PlacementRequest } from '#shared/contract/placement.ts';
import type { Clusters } from '../clusters/clusters.ts';
import { nodes, virtualMachineInstances } from '../clusters/kinds.ts';
import { Topic } from '../topics/topic.ts';
import { judge } from './judge.ts';
import type { RoomSources } from './room-sources.ts';

/** Changes come in crowds; nobody needs each of them. */
const afterMs = 150;

export function placementTopic(clusters: Clusters, sources: RoomSources, request: PlacementRequest): TopicSource<Placement> {
  return {
    subscribe: (listener) => {
      const cluster = clusters.get(request.clusterId);
      const topic = new Topic<Placement>({ key: (item) => item.key, settled: false });
      const [hosts, guests] = [cluster.cache(nodes), cluster.cache(virtualMachineInstances)];
      let timer: NodeJS.Timeout | undefined;
      let shown = '';
      let known = false;
      const show = (): void => {
        timer = undefined;
        const asked = sources.latest(cluster, request.namespace);
        if (!asked || !known) return;
        const { flavour, local, name } = cluster.view;
        const place = local ? 'this computer' : name;
        const placement = judge(request, { ...asked, flavour, place, nodes: [...hosts.objects.values()], instances: [...guests.objects.values()] });
        const text = JSON.stringify(placement);
        if (text !== shown) topic.put(placement);
        shown = text;
        topic.settle();
      };
      const later = (): void => void (timer ??= setTimeout(show, afterMs));
      const stops = [hosts.watch(later), guests.watch(later), sources.follow(cluster, request.namespace, later), topic.subscribe(listener)];
      void Promise.all([hosts.completed(), guests.completed()]).then(() => {
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

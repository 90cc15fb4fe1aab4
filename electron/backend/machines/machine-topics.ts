/** The list of machines, and one machine's page, as they change. */
import type { TopicSource } from '#shared/channel/types.ts';
import { refKey, type Machine, type MachineDetail, type ObjectRef } from '#shared/contract/machines.ts';
import type { KubeEvent } from '#shared/kube/core.ts';
import type { Clusters } from '../clusters/clusters.ts';
import type { ClusterConnection } from '../clusters/connection.ts';
import { claims, dataVolumes, events } from '../clusters/kinds.ts';
import { derivedTopic, ingredient } from '../topics/derived.ts';
import { machineDetail } from './machine-detail.ts';
import { machineIngredients, machineObjects } from './machine-objects.ts';
import { machineRow } from './machine-row.ts';

const itemKey = (cluster: ClusterConnection, key: string): string => `${cluster.id}/${key}`;

export function machinesTopic(clusters: Clusters, clusterId: string | undefined): TopicSource<Machine> {
  return derivedTopic(clusters.select(clusterId), {
    ingredients: machineIngredients,
    itemKey,
    row: (cluster, key) => {
      const objects = machineObjects(cluster, key);
      return objects && machineRow(cluster.id, objects);
    },
  });
}

export function machineTopic(clusters: Clusters, ref: ObjectRef): TopicSource<MachineDetail> {
  const key = `${ref.namespace}/${ref.name}`;
  const concerns = (): string[] => [key];
  return derivedTopic(clusters.select(ref.clusterId), {
    // A machine may use any volume of its namespace; there are few, and its page is one.
    ingredients: [...machineIngredients, ingredient(claims, concerns), ingredient(dataVolumes, concerns), ingredient(events, machineOfEvent)],
    only: key,
    itemKey: () => refKey(ref),
    row: (cluster) => {
      const objects = machineObjects(cluster, key);
      if (!objects) return undefined;
      return machineDetail(cluster.id, {
        ...objects,
        claim: (name) => cluster.cache(claims).objects.get(`${ref.namespace}/${name}`),
        volume: (name) => cluster.cache(dataVolumes).objects.get(`${ref.namespace}/${name}`),
        events: [...cluster.cache(events).objects.values()].filter((event) => machineOfEvent(event).includes(key)),
      });
    },
  });
}

/** Events are about the machine or about its running instance, which has the same name. */
function machineOfEvent(event: KubeEvent): string[] {
  const { kind, namespace, name } = event.involvedObject;
  return kind === 'VirtualMachine' || kind === 'VirtualMachineInstance' ? [`${namespace ?? ''}/${name ?? ''}`] : [];
}

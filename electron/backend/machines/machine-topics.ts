/** The list of machines, and one machine's page, as they change. */
import type { TopicSource } from '#shared/channel/types.ts';
import { refKey, type Machine, type MachineDetail, type ObjectRef } from '#shared/contract/machines.ts';
import type { KubeEvent } from '#shared/kube/core.ts';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
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
  const isAbout = aboutMachine(ref);
  const concernsEvent = (event: KubeEvent): string[] => (isAbout(event) ? [key] : []);
  return derivedTopic(clusters.select(ref.clusterId), {
    // A machine may use any volume of its namespace; there are few, and its page is one.
    ingredients: [...machineIngredients, ingredient(claims, concerns), ingredient(dataVolumes, concerns), ingredient(events, concernsEvent)],
    only: key,
    itemKey: () => refKey(ref),
    row: (cluster) => {
      const objects = machineObjects(cluster, key);
      if (!objects) return undefined;
      const volumes = new Set(volumeNames(objects.vm));
      return machineDetail(cluster.id, cluster.view.flavour, {
        ...objects,
        claim: (name) => cluster.cache(claims).objects.get(`${ref.namespace}/${name}`),
        volume: (name) => cluster.cache(dataVolumes).objects.get(`${ref.namespace}/${name}`),
        events: [...cluster.cache(events).objects.values()].filter(
          (event) => isAbout(event) && (!volumeKinds.has(event.involvedObject.kind ?? '') || volumes.has(event.involvedObject.name ?? '')),
        ),
      });
    },
  });
}

const volumeKinds = new Set(['PersistentVolumeClaim', 'DataVolume']);

/**
 * Whether an event may be about the machine: about itself, its running instance, which has the same name, the pod that
 * runs it on a cluster, or a volume of its namespace.
 */
function aboutMachine({ namespace, name }: ObjectRef): (event: KubeEvent) => boolean {
  return ({ involvedObject: object }) => {
    if (object.namespace !== namespace) return false;
    if (object.kind === 'VirtualMachine' || object.kind === 'VirtualMachineInstance') return object.name === name;
    if (object.kind === 'Pod') return object.name?.startsWith(`virt-launcher-${name}-`) === true && /-[a-z0-9]{5}$/.test(object.name);
    return volumeKinds.has(object.kind ?? '');
  };
}

const volumeNames = (vm: VirtualMachine): string[] =>
  (vm.spec.template.spec.volumes ?? []).flatMap((volume) => volume.dataVolume?.name ?? volume.persistentVolumeClaim?.claimName ?? []);

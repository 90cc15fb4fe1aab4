/** The machines that guests run on. */
import type { TopicSource } from '#shared/channel/types.ts';
import type { Node } from '#shared/contract/clusters.ts';
import { asHayloftError } from '#shared/contract/errors.ts';
import type { KubeNode } from '#shared/kube/core.ts';
import type { VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { DISK_FREE_ANNOTATION } from '#shared/kube/labels.ts';
import { findCondition } from '#shared/kube/machine-status.ts';
import type { KubeList } from '#shared/kube/object.ts';
import { parseQuantity } from '#shared/kube/quantities.ts';
import { memoryOf } from '../machines/machine-row.ts';
import { derivedTopic, ingredient } from '../topics/derived.ts';
import type { Clusters } from './clusters.ts';
import type { ClusterConnection } from './connection.ts';
import { nodes, pathOf, virtualMachineInstances } from './kinds.ts';

/** Set by Hayloft's engine on its node. */
const annotations = {
  acceleration: 'hayloft.io/acceleration',
  reason: 'hayloft.io/acceleration-reason',
  uefi: 'hayloft.io/uefi',
  diskFree: DISK_FREE_ANNOTATION,
};

export function nodesTopic(clusters: Clusters, clusterId: string | undefined): TopicSource<Node> {
  return derivedTopic(clusters.select(clusterId), {
    ingredients: [
      ingredient(nodes),
      ingredient(virtualMachineInstances, (vmi) => (vmi.status?.nodeName === undefined ? [] : [vmi.status.nodeName])),
    ],
    itemKey: (cluster, key) => `${cluster.id}/${key}`,
    row: (cluster, key) => {
      const node = cluster.cache(nodes).objects.get(key);
      return node && nodeRow(cluster.id, node, cluster.cache(virtualMachineInstances).objects.values());
    },
  });
}

export interface NodeFacts extends Pick<Node, 'cpus' | 'memoryBytes' | 'diskFreeBytes'> {
  uefi: boolean;
}

/** Asked once, for a form. Empty where this user may not see nodes, as an administrator of one namespace may not. */
export async function nodesOf(cluster: ClusterConnection): Promise<NodeFacts[]> {
  const client = await cluster.client();
  const { items } = await client.call<KubeList<KubeNode>>('GET', pathOf(nodes, undefined)).catch((error: unknown) => {
    if (asHayloftError(error).code === 'forbidden') return { items: [] };
    throw error;
  });
  return items.map((node) => {
    const { cpus, memoryBytes, diskFreeBytes } = nodeRow(cluster.id, node, []);
    const uefi = node.metadata.annotations?.[annotations.uefi] !== 'false';
    return { cpus, memoryBytes, ...(diskFreeBytes === undefined ? {} : { diskFreeBytes }), uefi };
  });
}

function nodeRow(clusterId: string, node: KubeNode, guests: Iterable<VirtualMachineInstance>): Node {
  const name = node.metadata.name ?? '';
  const { capacity, allocatable, nodeInfo } = node.status ?? {};
  const memoryAllocatableBytes = parseQuantity(allocatable?.['memory']);
  const notes = node.metadata.annotations ?? {};
  const disk = parseQuantity(capacity?.['ephemeral-storage']);
  const free = parseQuantity(notes[annotations.diskFree]);
  const running = [...guests].filter((vmi) => vmi.status?.nodeName === name && vmi.status.phase === 'Running');
  const version = nodeInfo?.['kubeletVersion'];
  return {
    key: `${clusterId}/${name}`,
    clusterId,
    name,
    ready: findCondition(node.status?.conditions, 'Ready')?.status === 'True',
    cpus: parseQuantity(capacity?.['cpu']) ?? 0,
    memoryBytes: parseQuantity(capacity?.['memory']) ?? 0,
    ...(memoryAllocatableBytes === undefined ? {} : { memoryAllocatableBytes }),
    memoryUsedBytes: running.reduce((sum, vmi) => sum + memoryOf(vmi.spec.domain), 0),
    ...(disk === undefined ? {} : { diskBytes: disk }),
    ...(free === undefined ? {} : { diskFreeBytes: free }),
    acceleration: accelerationOf(notes[annotations.acceleration]),
    ...(notes[annotations.reason] === undefined ? {} : { accelerationReason: notes[annotations.reason] }),
    ...(version === undefined ? {} : { version }),
  };
}

function accelerationOf(text: string | undefined): Node['acceleration'] {
  const known = ['kvm', 'hvf', 'whpx', 'tcg', 'none'] as const;
  return known.find((name) => name === text) ?? 'unknown';
}

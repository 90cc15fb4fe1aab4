/** What each node has left, and whether it takes machines at all. Pure. */
import type { KubeNode } from '#shared/kube/core.ts';
import { findCondition } from '#shared/kube/machine-status.ts';
import { parseQuantity } from '#shared/kube/quantities.ts';
import { podRequests, sizeOf } from './pod-size.ts';
import type { Room } from './room.ts';

export interface NodeRoom {
  name: string;
  labels: Record<string, string>;
  /** Why it takes no machine whatever its size. */
  obstacle?: string;
  memoryTotalBytes: number;
  /** What it has for pods and machines. */
  memoryAllocatableBytes: number;
  memoryFreeBytes: number;
  /** What guests and other pods may come to use together, by what they were given. */
  memoryPromisedBytes: number;
  /** What no program uses now. */
  memoryUnusedBytes?: number;
  cpus: number;
  cpuFree: number;
}

/** Set by virt-handler while it works there; machines' pods ask for a node that has it. */
const schedulableLabel = 'kubevirt.io/schedulable';
const over = new Set(['Succeeded', 'Failed']);

/** @param nodeSelector labels that the machine asks for */
export function roomOfNodes(room: Room, nodeSelector: Record<string, string> = {}): NodeRoom[] {
  const promised = new Map<string, { memory: number; cpu: number; guests: number }>();
  const promise = (node: string | undefined, memory: number, cpu: number, guests: number): void => {
    if (node === undefined) return;
    const sum = promised.get(node) ?? { memory: 0, cpu: 0, guests: 0 };
    promised.set(node, { memory: sum.memory + memory, cpu: sum.cpu + cpu, guests: sum.guests + guests });
  };
  for (const { spec, status } of room.instances) {
    if (over.has(status?.phase ?? '')) continue;
    const size = sizeOf(spec.domain, room.flavour, room.ratios, spec.architecture);
    const { targetNode, completed, failed } = status?.migrationState ?? {};
    // While it moves it has a pod on either node.
    const held = new Set([status?.nodeName, ...(completed === true || failed === true ? [] : [targetNode])]);
    for (const name of held) promise(name, size.memoryBytes, size.cpu, size.guestBytes + size.overheadBytes);
  }
  for (const pod of room.otherPods ?? []) {
    if (over.has(pod.status?.phase ?? '')) continue;
    const { memoryBytes, cpu } = podRequests(pod);
    promise(pod.spec.nodeName, memoryBytes, cpu, memoryBytes);
  }
  return room.nodes
    .map((node): NodeRoom => {
      const { name = '', labels = {} } = node.metadata;
      const { capacity = {}, allocatable = {} } = node.status ?? {};
      const total = parseQuantity(capacity['memory']) ?? 0;
      const forPods = parseQuantity(allocatable['memory']) ?? total;
      const cpus = parseQuantity(allocatable['cpu'] ?? capacity['cpu']) ?? 0;
      const sum = promised.get(name) ?? { memory: 0, cpu: 0, guests: 0 };
      const used = room.memoryUsed?.get(name);
      const obstacle = obstacleOf(node, room.flavour === 'engine', nodeSelector);
      return {
        name,
        labels,
        ...(obstacle === undefined ? {} : { obstacle }),
        memoryTotalBytes: total,
        memoryAllocatableBytes: forPods,
        memoryFreeBytes: forPods - sum.memory,
        memoryPromisedBytes: sum.guests,
        ...(used === undefined ? {} : { memoryUnusedBytes: Math.max(0, total - used) }),
        cpus,
        cpuFree: cpus - sum.cpu,
      };
    })
    .sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
}

function obstacleOf(node: KubeNode, engine: boolean, nodeSelector: Record<string, string>): string | undefined {
  const { name = '', labels = {} } = node.metadata;
  if (findCondition(node.status?.conditions, 'Ready')?.status !== 'True') return `${name} is not ready.`;
  const missing = Object.entries(nodeSelector).find(([key, value]) => labels[key] !== value);
  if (missing) return `${name} does not have the label ${missing.join('=')}.`;
  // The engine starts what it is told to, however its node is marked.
  if (engine) return undefined;
  if (node.spec?.unschedulable === true) return `${name} is cordoned: it takes nothing new.`;
  if (labels[schedulableLabel] !== 'true') return `KubeVirt does not run machines on ${name} now.`;
  // Machines are made without tolerations.
  const taint = node.spec?.taints?.find(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute');
  return taint ? `${name} is kept for others by its taint ${taint.key}${taint.value ? `=${taint.value}` : ''}.` : undefined;
}

/** The Node's status from what the host has. Pure. */
import type { KubeNode } from '#shared/kube/core.ts';
import type { Condition } from '#shared/kube/object.ts';
import type { Headroom, Host } from './host.ts';

type NodeStatus = NonNullable<KubeNode['status']>;

const MiB = 2 ** 20;
const GiB = 2 ** 30;
/** The kubelet's own threshold: below it a Linux host begins to kill processes. */
const leastMemory = 100 * MiB;
/** Guests stop with an I/O error when their disks cannot grow; this leaves time to react. */
const leastDisk = 2 * GiB;

export const inKi = (bytes: number): string => `${Math.floor(bytes / 1024)}Ki`;

/** What the host's own system is left: a twentieth of the memory, at least 512 MiB and at most 2 GiB. */
export const reservedMemoryBytes = (memoryBytes: number): number =>
  Math.min(Math.max(memoryBytes / 20, 512 * MiB), 2 * GiB);

export function statusFrom(host: Host, old: NodeStatus | undefined, now: string): NodeStatus {
  const common = { cpu: String(host.cores), 'ephemeral-storage': inKi(host.diskBytes) };
  const allocatable = Math.max(host.memoryBytes - reservedMemoryBytes(host.memoryBytes), 0);
  return {
    ...old,
    capacity: { ...old?.capacity, ...common, memory: inKi(host.memoryBytes) },
    allocatable: { ...old?.allocatable, ...common, memory: inKi(allocatable) },
    conditions: conditionsFrom(host, old?.conditions ?? [], now),
    addresses: host.addresses,
    nodeInfo: host.nodeInfo,
  };
}

/**
 * @param old what the Node tells so far: transition times stay while nothing changes, foreign conditions stay as they are
 * @param now the heartbeat
 */
export function conditionsFrom(room: Headroom, old: readonly Condition[], now: string): Condition[] {
  const fresh = judge(room).map((condition) => {
    const before = old.find(({ type }) => type === condition.type);
    const lastTransitionTime = before?.status === condition.status ? (before.lastTransitionTime ?? now) : now;
    return { ...condition, lastHeartbeatTime: now, lastTransitionTime };
  });
  const own = new Set(fresh.map(({ type }) => type));
  return [...old.filter(({ type }) => !own.has(type)), ...fresh];
}

/** Whether the conditions say something else now than those that were told. */
export function hasChanged(room: Headroom, told: readonly Condition[]): boolean {
  return judge(room).some(({ type, status }) => told.find((condition) => condition.type === type)?.status !== status);
}

/**
 * Whether the room on the disk differs enough from what was told (undefined: nothing was) to write it down anew: by
 * 256 MiB, or by a twentieth where that is less.
 */
export function isWorthTelling(freeBytes: number, toldBytes: number | undefined): boolean {
  return toldBytes === undefined || Math.abs(freeBytes - toldBytes) > Math.min(256 * MiB, toldBytes / 20);
}

function judge({ memoryAvailableBytes, diskFreeBytes }: Headroom): Condition[] {
  const memoryLow = memoryAvailableBytes < leastMemory;
  const diskLow = diskFreeBytes < leastDisk;
  return [
    {
      type: 'MemoryPressure',
      status: memoryLow ? 'True' : 'False',
      reason: memoryLow ? 'HostHasInsufficientMemory' : 'HostHasSufficientMemory',
      message: memoryLow ? 'Less than 100 MiB of memory are left. Stop a machine or close programs.' : 'There is memory left.',
    },
    {
      type: 'DiskPressure',
      status: diskLow ? 'True' : 'False',
      reason: diskLow ? 'HostHasDiskPressure' : 'HostHasNoDiskPressure',
      message: diskLow
        ? 'Less than 2 GiB are left on the disk with the machines. Free some space before they stop.'
        : 'There is space left on the disk.',
    },
    { type: 'Ready', status: 'True', reason: 'EngineReady', message: 'The engine is running.' },
  ];
}

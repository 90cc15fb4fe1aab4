/** Which thread of QEMU serves which disk. KubeVirt's rules: pkg/virt-launcher/virtwrap/converter (SetIOThreads). */
import type { Disk, DomainSpec } from '#shared/kube/kubevirt.ts';

/** More threads than this for each processor of the guest are never busy. */
const autoThreadsPerCpu = 2;

/**
 * @param disks those that can have a thread: on virtio, there from the start
 * @param cpus of the guest
 * @returns the thread of each disk by name; disks that are not in it are served by QEMU's main thread
 */
export function ioThreads({ ioThreadsPolicy: policy }: DomainSpec, disks: readonly Disk[], cpus: number): Map<string, string> {
  const dedicated = disks.filter(({ dedicatedIOThread }) => dedicatedIOThread === true);
  if (policy === undefined && dedicated.length === 0) return new Map();
  const others = disks.filter(({ dedicatedIOThread }) => dedicatedIOThread !== true);
  // Each has its own for as long as there are enough; then they take turns.
  const pool = policy === 'auto' ? Math.max(1, Math.min(others.length, autoThreadsPerCpu * cpus - dedicated.length)) : 1;
  return new Map([
    ...dedicated.map((disk, index) => [disk.name, `io${pool + index}`] as const),
    ...others.map((disk, index) => [disk.name, `io${index % pool}`] as const),
  ]);
}

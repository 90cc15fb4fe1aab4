/** What a machine asks of its node. Pure. */
import type { Cluster } from '#shared/contract/clusters.ts';
import type { PlacementRequest } from '#shared/contract/placement.ts';
import type { Pod } from '#shared/kube/capacity.ts';
import type { DomainSpec } from '#shared/kube/kubevirt.ts';
import { parseQuantity } from '#shared/kube/quantities.ts';
import { coresOf, memoryOf } from '../machines/machine-row.ts';
import type { Ratios } from './room.ts';

const mib = 2 ** 20;
/** virt-launcher-monitor, virt-launcher, virtlogd, virtqemud, QEMU itself, its I/O thread. */
const programsBytes = (25 + 100 + 25 + 40 + 50 + 8) * mib;
const perCoreBytes = 8 * mib;
const videoBytes = 32 * mib;
const tpmBytes = 53 * mib;
/** Memory that is to be there for sure, which pods with processors of their own have. */
const dedicatedBytes = 100 * mib;
const arm64Bytes = 128 * mib;
/** One bit of every 512 bytes goes to page tables. */
const bytesPerPageTableByte = 512;

export interface PodSize {
  /** What the scheduler sets aside for it: bytes, and processors. */
  memoryBytes: number;
  /** The part of it that is not the guest's. */
  overheadBytes: number;
  cpu: number;
  /** What the guest may come to use, whatever was asked for. */
  guestBytes: number;
}

/** A pod's limits and requests under the rules of the cluster. */
export function sizeOf(domain: DomainSpec, flavour: Cluster['flavour'], ratios: Ratios, architecture?: string): PodSize {
  const guestBytes = memoryOf(domain);
  const cores = coresOf(domain);
  // The engine has no pods: a guest is given its memory, and processors are shared by all.
  if (flavour === 'engine') return { memoryBytes: guestBytes, overheadBytes: 0, cpu: 0, guestBytes };
  const { requests = {}, limits = {} } = domain.resources ?? {};
  const asked = parseQuantity(requests.memory) ?? parseQuantity(limits.memory) ?? Math.floor((guestBytes * 100) / ratios.memoryOvercommit);
  const overheadBytes = overheadOf(domain, asked, cores, ratios, architecture);
  const usual = domain.cpu?.dedicatedCpuPlacement === true ? cores : cores / ratios.cpuAllocation;
  const cpu = parseQuantity(requests.cpu) ?? parseQuantity(limits.cpu) ?? usual;
  return { memoryBytes: asked + overheadBytes, overheadBytes, cpu, guestBytes };
}

/**
 * Memory that KubeVirt sets aside for the programs around a guest, in bytes: an estimate of its own
 * (`GetMemoryOverhead`, pkg/hypervisor/kvm/hypervisorbackend.go). What devices that are passed through add is left out, and so
 * are huge pages, which come from a store of their own.
 */
function overheadOf(domain: DomainSpec, askedBytes: number, cores: number, ratios: Ratios, architecture: string | undefined): number {
  const { devices } = domain;
  const sum =
    askedBytes / bytesPerPageTableByte +
    programsBytes +
    cores * perCoreBytes +
    (devices.autoattachGraphicsDevice === false ? 0 : videoBytes) +
    (devices.tpm && devices.tpm.enabled !== false ? tpmBytes : 0) +
    (domain.cpu?.dedicatedCpuPlacement === true ? dedicatedBytes : 0) +
    (architecture === 'arm64' ? arm64Bytes : 0);
  return Math.ceil(sum * ratios.overhead);
}

/** What is asked for, as the domain that it becomes. On Harvester its webhook writes the requests, from the limits. */
export function domainOf(request: PlacementRequest, { harvester }: Ratios): DomainSpec {
  const { cores, memoryBytes } = request;
  return {
    cpu: { cores },
    memory: { guest: String(memoryBytes) },
    ...(harvester
      ? { resources: { requests: { memory: String(Math.floor((memoryBytes * 100) / harvester.memory)), cpu: String((cores * 100) / harvester.cpu) } } }
      : {}),
    devices: {
      ...(request.graphics === false ? { autoattachGraphicsDevice: false } : {}),
      ...(request.tpm === true ? { tpm: {} } : {}),
    },
  };
}

/**
 * What the scheduler counts of any pod (kubernetes' resource helpers, PodRequests): its containers together, or more
 * where an init container that goes before them needs more.
 */
export function podRequests({ spec }: Pod): { memoryBytes: number; cpu: number } {
  const of = (what: 'memory' | 'cpu'): number => {
    const asks = ({ resources }: Pod['spec']['containers'][number]): number => parseQuantity(resources?.requests?.[what] ?? resources?.limits?.[what]) ?? 0;
    const sum = spec.containers.reduce((total, container) => total + asks(container), 0);
    let beside = 0;
    let most = 0;
    for (const init of spec.initContainers ?? []) {
      if (init.restartPolicy === 'Always') beside += asks(init);
      most = Math.max(most, beside + (init.restartPolicy === 'Always' ? 0 : asks(init)));
    }
    return Math.max(sum + beside, most) + (parseQuantity(spec.overhead?.[what]) ?? 0);
  };
  return { memoryBytes: of('memory'), cpu: of('cpu') };
}

/** Giving a machine another number of processors and another amount of memory: what is written for it. Pure. */
import type { DomainSpec } from '#shared/kube/kubevirt.ts';
import { formatBytesQuantity, parseQuantity } from '#shared/kube/quantities.ts';
import { coresOf, memoryOf } from '../machines/machine-row.ts';

export interface Size {
  cores: number;
  memoryBytes: number;
}

export interface LiveLimits {
  /** All processors together. */
  cores?: number;
  memoryBytes?: number;
}

/**
 * How far a running machine grows without a restart. KubeVirt says so in the instance, by `maxSockets` and `maxGuest`,
 * where the cluster is set to do it.
 */
export function liveLimits({ cpu, memory }: DomainSpec): LiveLimits {
  const most = parseQuantity(memory?.maxGuest);
  const sockets = cpu?.maxSockets;
  return {
    ...(sockets === undefined ? {} : { cores: sockets * (cpu?.cores ?? 1) * (cpu?.threads ?? 1) }),
    ...(most === undefined ? {} : { memoryBytes: most }),
  };
}

/**
 * @param domain the machine's, which is changed
 * @param running the instance's, while there is one
 * @returns whether the change reaches the guest without a restart
 */
export function resizeDomain(domain: DomainSpec, running: DomainSpec | undefined, size: Size): boolean {
  const before = { cores: coresOf(domain), memoryBytes: memoryOf(domain) };
  const live = running ? liveLimits(running) : {};
  const cpu = size.cores === before.cores || resizeCpu(domain, live, size.cores);
  const memory = size.memoryBytes === before.memoryBytes || resizeMemory(domain, live, before.memoryBytes, size.memoryBytes);
  shiftResources(domain, before, size);
  return cpu && memory;
}

/** Whole sockets come and go while a machine runs; anything else is one socket with so many cores. */
function resizeCpu(domain: DomainSpec, live: LiveLimits, cores: number): boolean {
  const cpu = (domain.cpu ??= {});
  const socket = (cpu.cores ?? 1) * (cpu.threads ?? 1);
  const fits = live.cores !== undefined && cores <= live.cores && cores >= coresOf(domain) && cores % socket === 0;
  if (fits || ((cpu.sockets ?? 1) > 1 && cores % socket === 0)) {
    cpu.sockets = cores / socket;
    return fits;
  }
  const threads = cores % (cpu.threads ?? 1) === 0 ? (cpu.threads ?? 1) : 1;
  if (cpu.threads !== undefined) cpu.threads = threads;
  if (cpu.sockets !== undefined) cpu.sockets = 1;
  cpu.cores = cores / threads;
  return false;
}

function resizeMemory(domain: DomainSpec, live: LiveLimits, before: number, bytes: number): boolean {
  (domain.memory ??= {}).guest = formatBytesQuantity(bytes);
  return live.memoryBytes !== undefined && bytes > before && bytes <= live.memoryBytes;
}

/** Requests and limits keep their distance to what the guest has: Harvester's limit is a little above it. */
function shiftResources({ resources }: DomainSpec, before: Size, after: Size): void {
  for (const part of [resources?.requests, resources?.limits]) {
    const memory = parseQuantity(part?.memory);
    if (part && memory !== undefined) part.memory = formatBytesQuantity(Math.max(0, memory + after.memoryBytes - before.memoryBytes));
    const cpu = parseQuantity(part?.cpu);
    if (part && cpu !== undefined) part.cpu = formatCpu(Math.max(0.1, cpu + after.cores - before.cores));
  }
}

const formatCpu = (cores: number): string => (Number.isInteger(cores) ? String(cores) : `${Math.round(cores * 1000)}m`);

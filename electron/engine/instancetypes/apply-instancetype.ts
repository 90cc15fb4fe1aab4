/** Processors and memory of an instancetype, put into a machine's template. KubeVirt: pkg/instancetype/apply. Pure. */
import type { InstancetypeSpec, PreferenceSpec } from '#shared/kube/instancetype.ts';
import type { DomainSpec } from '#shared/kube/kubevirt.ts';
import type { StatusCause } from '#shared/kube/object.ts';
import { parseQuantity } from '#shared/kube/quantities.ts';

const defaultRatio = 2;
const threadsPerCore = 2;

export interface Topology {
  sockets: number;
  cores: number;
  threads: number;
}

/**
 * Fields that the template and the instancetype both give, as KubeVirt words it.
 * @param path of the instance's spec within its object
 */
export function conflicts(domain: DomainSpec, instancetype: InstancetypeSpec, path: string): StatusCause[] {
  const { cpu, memory, resources, ioThreadsPolicy } = domain;
  const given: Record<string, boolean> = {
    'cpu.sockets': cpu?.sockets !== undefined,
    'cpu.cores': cpu?.cores !== undefined,
    'cpu.threads': cpu?.threads !== undefined,
    'cpu.model': cpu?.model !== undefined && instancetype.cpu.model !== undefined,
    'memory.guest': memory?.guest !== undefined,
    'resources.requests.cpu': resources?.requests?.cpu !== undefined,
    'resources.limits.cpu': resources?.limits?.cpu !== undefined,
    'resources.requests.memory': resources?.requests?.memory !== undefined,
    'resources.limits.memory': resources?.limits?.memory !== undefined,
    ioThreadsPolicy: ioThreadsPolicy !== undefined && instancetype.ioThreadsPolicy !== undefined,
  };
  return Object.keys(given)
    .filter((field) => given[field])
    .map((field) => `${path}.domain.${field}`)
    .map((field) => ({ reason: 'FieldValueInvalid', field, message: `VM field(s) ${field} conflicts with selected instance type` }));
}

/** Changes the domain in place; it must have no conflicts. */
export function applyInstancetype(domain: DomainSpec, instancetype: InstancetypeSpec, preference: PreferenceSpec | undefined): void {
  const { cpu, memory, ioThreadsPolicy } = instancetype;
  domain.cpu = { ...domain.cpu, ...(cpu.model === undefined ? {} : { model: cpu.model }), ...topologyOf(cpu.guest, preference) };
  domain.memory = { ...domain.memory, guest: memory.guest };
  if (memory.overcommitPercent) {
    const bytes = parseQuantity(memory.guest) ?? 0;
    const requested = String(Math.floor((bytes * (100 - memory.overcommitPercent)) / 100));
    domain.resources = { ...domain.resources, requests: { ...domain.resources?.requests, memory: requested } };
  }
  if (ioThreadsPolicy !== undefined) domain.ioThreadsPolicy = ioThreadsPolicy;
}

/** What processors become: sockets, unless the preference wants them otherwise. */
export function topologyOf(processors: number, preference: PreferenceSpec | undefined): Topology {
  const one = { sockets: 1, cores: 1, threads: 1 };
  if (processors === 1) return one;
  switch (preference?.cpu?.preferredCPUTopology) {
    case 'cores':
    case 'preferCores':
      return { ...one, cores: processors };
    case 'threads':
    case 'preferThreads':
      return { ...one, threads: processors };
    case 'spread':
    case 'preferSpread':
      return spread(processors, preference);
    default:
      return { ...one, sockets: processors };
  }
}

function spread(processors: number, preference: PreferenceSpec): Topology {
  const { across, ratio } = spreadOptions(preference);
  if (across === 'CoresThreads') return { sockets: 1, cores: processors / threadsPerCore, threads: threadsPerCore };
  if (across === 'SocketsCoresThreads') return { sockets: processors / threadsPerCore / ratio, cores: ratio, threads: threadsPerCore };
  return { sockets: processors / ratio, cores: ratio, threads: 1 };
}

function spreadOptions({ cpu, preferSpreadSocketToCoreRatio }: PreferenceSpec): { across: string; ratio: number } {
  const { across = 'SocketsCores', ratio } = cpu?.spreadOptions ?? {};
  return { across, ratio: ratio ?? preferSpreadSocketToCoreRatio ?? defaultRatio };
}

/** What keeps processors from being spread as the preference wants. */
export function spreadProblem(processors: number, preference: PreferenceSpec | undefined): StatusCause | undefined {
  if (preference === undefined) return undefined;
  const { sockets, cores } = topologyOf(processors, preference);
  if (Number.isInteger(sockets) && Number.isInteger(cores)) return undefined;
  const { across, ratio } = spreadOptions(preference);
  const message = `${processors} vCPUs provided by the instance type cannot be spread across ${across} with the ratio ${ratio} of the preference: choose another instance type`;
  return { reason: 'FieldValueInvalid', field: 'spec.instancetype', message };
}

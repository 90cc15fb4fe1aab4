/** Which forwards the Services ask for now. Pure. */
import type { VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { findCondition } from '#shared/kube/machine-status.ts';
import type { Service } from '../definitions/service.ts';
import { guestPort, podInterface } from '../pod-network.ts';
import type { Forward } from '../user-network/forwards.ts';
import { hostPorts } from './node-ports.ts';
import { LISTEN_ANNOTATION } from './service-admission.ts';

export interface WantedForward extends Forward {
  netdev: string;
}

export interface ServicePlan {
  service: Service;
  /** On which address of this computer it is reached. */
  address: string;
  /** The machine that answers; undefined while there is none. */
  backend: VirtualMachineInstance | undefined;
  forwards: WantedForward[];
  /** Why ports of it lead nowhere. */
  problems: string[];
}

/** @param usualAddress where Services are reached that do not say otherwise */
export function planServices(services: readonly Service[], vmis: readonly VirtualMachineInstance[], usualAddress: string): ServicePlan[] {
  const oldestFirst = [...vmis].sort((a, b) => ageKey(a).localeCompare(ageKey(b)));
  return services.map((service) => planService(service, oldestFirst, usualAddress));
}

const ageKey = ({ metadata }: VirtualMachineInstance): string => `${metadata.creationTimestamp ?? ''} ${metadata.name ?? ''}`;

function planService(service: Service, vmis: readonly VirtualMachineInstance[], usualAddress: string): ServicePlan {
  const address = service.metadata.annotations?.[LISTEN_ANNOTATION] ?? usualAddress;
  const backend = service.metadata.deletionTimestamp === undefined ? vmis.find((vmi) => answers(service, vmi)) : undefined;
  const plan: ServicePlan = { service, address, backend, forwards: [], problems: [] };
  if (!backend) return plan;
  for (const { protocol, hostPort, index } of hostPorts(service)) {
    const { port = 0, targetPort = port } = service.spec.ports?.[index] ?? {};
    const found = guestPort(backend, targetPort, protocol);
    if ('problem' in found) plan.problems.push(found.problem);
    else plan.forwards.push({ protocol, address, hostPort, guestPort: found.port, netdev: found.netdev });
  }
  plan.problems = [...new Set(plan.problems)];
  return plan;
}

function answers({ metadata, spec }: Service, vmi: VirtualMachineInstance): boolean {
  if (vmi.metadata.namespace !== metadata.namespace || vmi.metadata.deletionTimestamp !== undefined) return false;
  if (vmi.status?.phase !== 'Running' || !podInterface(vmi)) return false;
  if (spec.publishNotReadyAddresses !== true && findCondition(vmi.status.conditions, 'Ready')?.status !== 'True') return false;
  const labels = { ...vmi.metadata.labels, ...podLabels(vmi) };
  const wanted = Object.entries(spec.selector ?? {});
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
}

/** What KubeVirt puts on a guest's pod, which is what selectors see there. */
const podLabels = ({ metadata }: VirtualMachineInstance): Record<string, string> => ({
  'kubevirt.io': 'virt-launcher',
  'kubevirt.io/created-by': metadata.uid ?? '',
  'vm.kubevirt.io/name': metadata.name ?? '',
});

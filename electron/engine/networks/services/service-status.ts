/** A Service's status: whether it leads somewhere, and why not. Pure. */
import type { Condition } from '#shared/kube/object.ts';
import { setCondition } from '../../machines/guests.ts';
import type { Service } from '../definitions/service.ts';
import type { ServicePlan } from './wanted-forwards.ts';

export const FORWARDED = 'hayloft.io/Forwarded';

/** @param failures what could not be opened, in words */
export function serviceStatus({ service, address, backend, forwards, problems }: ServicePlan, failures: readonly string[], now: string): NonNullable<Service['status']> {
  const { spec, status } = service;
  const open = backend !== undefined && failures.length === 0 && problems.length === 0;
  const ports = (spec.ports ?? []).map(({ port, protocol = 'TCP' }) => ({ port, protocol }));
  const loadBalancer = open && spec.type === 'LoadBalancer' ? { ingress: [{ ip: reachable(address), ports }] } : {};
  const condition = ((): Omit<Condition, 'type'> => {
    if (!backend) return { status: 'False', reason: 'NoReadyMachine', message: 'No machine that its selector matches is running and ready.' };
    if (problems.length > 0) return { status: 'False', reason: 'NoSuchPort', message: problems.join(' ') };
    if (failures.length > 0) return { status: 'False', reason: 'PortNotOpen', message: failures.join(' ') };
    const list = forwards.map(({ protocol, hostPort, guestPort }) => `${address}:${hostPort} to ${guestPort} (${protocol})`);
    return { status: 'True', reason: 'Forwarded', message: `${list.join(', ')} of ${backend.metadata.name ?? ''}` };
  })();
  return { loadBalancer, conditions: setCondition(status?.conditions ?? [], FORWARDED, condition, now) };
}

/** Where one connects to who listens everywhere. */
const reachable = (address: string): string => (address === '0.0.0.0' ? '127.0.0.1' : address);

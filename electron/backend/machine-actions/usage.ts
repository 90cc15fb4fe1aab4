/** Which machines use which claims. */
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import { volumeSourceName } from '#shared/kube/volume-source.ts';

/** Names of the claims that a machine has among its volumes. */
export function claimsOf({ spec }: VirtualMachine): string[] {
  return (spec.template.spec.volumes ?? []).map(volumeSourceName).filter((name) => name !== undefined);
}

/** Names of the machines that have a claim, without the one named. */
export function usersOf(claim: string, machines: readonly VirtualMachine[], except?: string): string[] {
  return machines
    .filter((machine) => machine.metadata.name !== except && claimsOf(machine).includes(claim))
    .map(({ metadata }) => metadata.name ?? '');
}

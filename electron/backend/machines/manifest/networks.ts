/** The network cards that a filled-in form stands for, and what they are plugged into. */
import type { NewMachine } from '#shared/contract/machines.ts';
import type { DomainSpec, Network } from '#shared/kube/kubevirt.ts';

export interface NetworkParts {
  devices: Pick<DomainSpec['devices'], 'interfaces' | 'autoattachPodInterface'>;
  networks: Network[];
}

export function networksOf({ network, networkModel }: NewMachine): NetworkParts {
  if (network === 'none') return { devices: { autoattachPodInterface: false }, networks: [] };
  return {
    devices: { interfaces: [{ name: 'default', masquerade: {}, model: networkModel }] },
    networks: [{ name: 'default', pod: {} }],
  };
}

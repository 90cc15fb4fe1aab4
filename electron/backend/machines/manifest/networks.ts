/** The network cards that a filled-in form stands for, what they are plugged into, and the way to them from outside. */
import type { NetworkCard, NewMachine, NewPortForward } from '#shared/contract/new-machine.ts';
import type { DomainSpec, Interface, Network } from '#shared/kube/kubevirt.ts';
import type { Service, ServicePort } from '#shared/kube/service.ts';

export interface NetworkParts {
  devices: Pick<DomainSpec['devices'], 'interfaces' | 'autoattachPodInterface'>;
  networks: Network[];
}

export function networksOf({ networks: cards }: NewMachine): NetworkParts {
  // KubeVirt gives a machine that names no network one of its own accord.
  if (cards.length === 0) return { devices: { autoattachPodInterface: false }, networks: [] };
  return {
    devices: { interfaces: cards.map(interfaceOf) },
    networks: cards.map((card, index) => ({
      name: nameOf(card, index),
      ...(card.kind === 'nat' ? { pod: {} } : { multus: { networkName: card.network } }),
    })),
  };
}

const nameOf = (card: NetworkCard, index: number): string => (card.kind === 'nat' ? 'default' : `net-${index + 1}`);

function interfaceOf(card: NetworkCard, index: number): Interface {
  const { model, mac } = card;
  const how = card.kind === 'nat' ? { masquerade: {} } : card.binding === 'bridge' ? { bridge: {} } : { binding: { name: card.binding } };
  return {
    name: nameOf(card, index),
    ...how,
    ...(model === 'auto' ? {} : { model }),
    ...(mac === undefined ? {} : { macAddress: mac.toLowerCase() }),
  };
}

const usualNames: Partial<Record<number, string>> = { 22: 'ssh', 80: 'http', 443: 'https', 3389: 'rdp', 5900: 'vnc' };

/** The Service that leads to the machine's ports, where any are asked for. It is to be owned by the machine. */
export function forwardsOf({ name, namespace, networks }: NewMachine): Service | undefined {
  const forwards = networks.flatMap((card) => (card.kind === 'nat' ? card.forwards : []));
  if (forwards.length === 0) return undefined;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: `${name}-ports`, namespace },
    spec: {
      type: 'NodePort',
      // KubeVirt puts it on what runs the machine, and the engine takes it as said of the instance.
      selector: { 'vm.kubevirt.io/name': name },
      ports: forwards.map(portOf),
    },
  };
}

function portOf({ port, protocol, nodePort }: NewPortForward): ServicePort {
  const usual = protocol === 'TCP' ? usualNames[port] : undefined;
  return {
    name: usual ?? `${protocol.toLowerCase()}-${port}`,
    port,
    targetPort: port,
    protocol,
    ...(nodePort === undefined ? {} : { nodePort }),
  };
}

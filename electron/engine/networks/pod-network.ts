/** The network that QEMU gives a guest of its own: which interface is on it, and which of its ports may be reached. */
import type { Interface, VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import type { Protocol } from './definitions/service.ts';

/** The interface on the pod network; undefined when the machine has none. */
export function podInterface({ spec }: VirtualMachineInstance): Interface | undefined {
  const pod = spec.networks?.find((network) => network.pod !== undefined);
  return pod && spec.domain.devices.interfaces?.find((item) => item.name === pod.name && item.masquerade !== undefined);
}

/** Where a port leads in a guest, or why it leads nowhere. */
export type GuestPort = { netdev: string; port: number } | { problem: string };

/**
 * @param target a number, or the name of one of the interface's `ports`; where an interface lists ports, no other is
 *   reached, as with KubeVirt's masquerade
 */
export function guestPort(vmi: VirtualMachineInstance, target: number | string, protocol: Protocol): GuestPort {
  const name = vmi.metadata.name ?? '';
  const item = podInterface(vmi);
  if (!item) return { problem: `The machine ${name} has no interface on the pod network with masquerade.` };
  const listed = (item.ports ?? []).filter((port) => (port.protocol ?? 'TCP') === protocol);
  const found = listed.find((port) => (typeof target === 'number' ? port.port === target : port.name === target));
  if (found) return { netdev: netdevOf(item.name), port: found.port };
  if (typeof target === 'string') return { problem: `The interface ${item.name} of ${name} has no port named ${target} (${protocol}).` };
  if ((item.ports ?? []).length > 0) return { problem: `The interface ${item.name} of ${name} lists its ports, and ${target} (${protocol}) is not among them.` };
  return { netdev: netdevOf(item.name), port: target };
}

/** QEMU's id of the network behind an interface. */
export const netdevOf = (interfaceName: string): string => `net-${interfaceName}`;

/** Network interfaces as QEMU's arguments. */
import { createHash } from 'node:crypto';
import type { Interface, VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { hasPciExpress } from '../hotplug/slots.ts';
import type { HostLink } from '../types.ts';
import { option } from './options.ts';

const drivers: Record<string, string> = {
  virtio: 'virtio-net-pci',
  e1000: 'e1000',
  e1000e: 'e1000e',
  rtl8139: 'rtl8139',
  pcnet: 'pcnet',
  ne2k_pci: 'ne2k_pci',
};

/** The first descriptor after stdin, stdout and stderr. */
const firstDescriptor = 3;

/**
 * @param bootIndexes by interface name
 * @param links networks of this computer, by interface name; the others get one of QEMU's own
 */
export function networkArguments(
  vmi: VirtualMachineInstance,
  bootIndexes: ReadonlyMap<string, number>,
  links: ReadonlyMap<string, HostLink> = new Map(),
): string[] {
  const descriptors = descriptorsOf(links);
  const { domain } = vmi.spec;
  return (domain.devices.interfaces ?? []).flatMap((item, index) => {
    // On PCI Express, QEMU tells the guest of an index only where a card could be plugged in: in a port.
    const port = item.acpiIndex !== undefined && hasPciExpress(domain) ? { id: `port-${item.name}`, number: firstPort + index } : undefined;
    return [
      ...['-netdev', netdev(vmi, item, links.get(item.name), descriptors)],
      ...(port === undefined ? [] : ['-device', option('pcie-root-port', { id: port.id, chassis: port.number, slot: port.number })]),
      '-device',
      option(drivers[item.model ?? 'virtio'] ?? 'virtio-net-pci', {
        id: cardId(item.name),
        netdev: `net-${item.name}`,
        mac: macAddress(vmi, item),
        bootindex: bootIndexes.get(item.name),
        bus: port?.id,
        'acpi-index': item.acpiIndex,
      }),
    ];
  });
}

/** By this a card is told apart while the guest runs. */
export const cardId = (interfaceName: string): string => `nic-${interfaceName}`;

/** Chassis and slots of ports for cards; below are those of the ports that are kept free. */
const firstPort = 32;

/** What the process has to be given as its descriptors from 3 upward. */
export function descriptorsOf(links: ReadonlyMap<string, HostLink>): number[] {
  return [...links.values()].flatMap((link) => (link.kind === 'descriptor' ? [link.descriptor] : []));
}

function netdev(vmi: VirtualMachineInstance, item: Interface, link: HostLink | undefined, descriptors: readonly number[]): string {
  const id = `net-${item.name}`;
  if (link?.kind === 'tap') return option('tap', { id, ifname: link.device, script: 'no', downscript: 'no' });
  if (link) return option('tap', { id, fd: firstDescriptor + descriptors.indexOf(link.descriptor) });
  const pod = vmi.spec.networks?.find(({ name }) => name === item.name)?.pod;
  return option('user', {
    id,
    net: pod?.vmNetworkCIDR,
    'ipv6-net': pod?.vmIPv6NetworkCIDR,
    hostname: vmi.spec.hostname ?? vmi.metadata.name,
    'tftp-server-name': item.dhcpOptions?.tftpServerName,
    bootfile: item.dhcpOptions?.bootFileName,
  });
}

/**
 * The address given, or one that follows from the machine's and the interface's names, so that a guest finds the same
 * card after every start. 52:54:00 is what QEMU's own addresses begin with.
 */
export function macAddress(vmi: VirtualMachineInstance, item: Interface): string {
  if (item.macAddress !== undefined) return item.macAddress.replaceAll('-', ':').toLowerCase();
  const identity = `${vmi.metadata.namespace ?? ''}/${vmi.metadata.name ?? ''}/${item.name}`;
  const [a = 0, b = 0, c = 0] = createHash('sha256').update(identity).digest();
  return ['52', '54', '00', ...[a, b, c].map((byte) => byte.toString(16).padStart(2, '0'))].join(':');
}

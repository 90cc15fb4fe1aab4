/** Network interfaces as QEMU's arguments. */
import { createHash } from 'node:crypto';
import type { Interface, VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { option } from './options.ts';

const drivers: Record<string, string> = {
  virtio: 'virtio-net-pci',
  e1000: 'e1000',
  e1000e: 'e1000e',
  rtl8139: 'rtl8139',
};

/** @param bootIndexes by interface name */
export function networkArguments(
  vmi: VirtualMachineInstance,
  bootIndexes: ReadonlyMap<string, number>,
): string[] {
  return (vmi.spec.domain.devices.interfaces ?? []).flatMap((item) => [
    '-netdev',
    option('user', { id: `net-${item.name}`, hostname: vmi.spec.hostname ?? vmi.metadata.name }),
    '-device',
    option(drivers[item.model ?? 'virtio'] ?? 'virtio-net-pci', {
      netdev: `net-${item.name}`,
      mac: macAddress(vmi, item),
      bootindex: bootIndexes.get(item.name),
    }),
  ]);
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

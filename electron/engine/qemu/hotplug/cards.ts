/** Network cards that QEMU is given, or lets go of, while its guest runs. */
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import type { Interface, VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { netdevOf } from '../../networks/pod-network.ts';
import { cardId, macAddress } from '../argv/networks.ts';
import { QmpError } from '../qmp.ts';
import type { Monitor } from '../types.ts';
import { freePort, hasPciExpress, type PciBus } from './slots.ts';

/** Ids of all that QEMU has by a name, cards among them. */
export async function pluggedCards(monitor: Monitor): Promise<ReadonlySet<string>> {
  const found = (await monitor.command('qom-list', { path: '/machine/peripheral' })) as { name: string }[];
  return new Set(found.map(({ name }) => name));
}

/**
 * @param device a tap of this computer
 * @throws HayloftError in QEMU's words; nothing half plugged is left then
 */
export async function plugCard(monitor: Monitor, vmi: VirtualMachineInstance, { name, ...item }: Interface, device: string): Promise<void> {
  const bus = hasPciExpress(vmi.spec.domain) ? freePort((await monitor.command('query-pci')) as PciBus[]) : undefined;
  if (bus === undefined && hasPciExpress(vmi.spec.domain)) {
    throw new HayloftError('conflict', `All places for cards are taken, so the interface "${name}" cannot be plugged in.`, { hint: 'Take a disk or another interface out first, or restart the machine.' });
  }
  try {
    await monitor.command('netdev_add', { type: 'tap', id: netdevOf(name), ifname: device, script: 'no', downscript: 'no' });
    await monitor.command('device_add', {
      driver: 'virtio-net-pci',
      id: cardId(name),
      netdev: netdevOf(name),
      mac: macAddress(vmi, { name, ...item }),
      ...(bus === undefined ? {} : { bus }),
    });
  } catch (error) {
    await removeNetdev(monitor, name);
    if (!(error instanceof QmpError)) throw error;
    throw new HayloftError('internal', `QEMU could not plug in the interface "${name}": ${error.message}`, { retryable: true });
  }
}

/** Asks the guest to let go of it; the end comes as the event DEVICE_DELETED. */
export async function unplugCard(monitor: Monitor, name: string): Promise<void> {
  try {
    await monitor.command('device_del', { id: cardId(name) });
  } catch (error) {
    if (error instanceof QmpError && (error.class === 'DeviceNotFound' || /in the process of unplug/.test(error.message))) return;
    throw error;
  }
}

/** What is left behind a card that is out. */
export async function removeNetdev(monitor: Monitor, name: string): Promise<void> {
  await monitor.command('netdev_del', { id: netdevOf(name) }).catch((error: unknown) => {
    if (!(error instanceof QmpError)) throw error;
  });
}

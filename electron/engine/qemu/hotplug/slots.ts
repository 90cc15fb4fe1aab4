/** Where disks are plugged in while a guest runs: a SCSI bus, and on q35 PCI Express ports kept free for virtio disks. */
import type { DomainSpec } from '#shared/kube/kubevirt.ts';
import { option } from '../argv/options.ts';

/** Ports cannot be added later. As many as KubeVirt keeps free on a small machine, and one more. */
const freePorts = 4;
const portPrefix = 'hotplug';

/** PC's older bus takes cards at any time; PCI Express takes them in ports alone. */
export const hasPciExpress = ({ machine }: DomainSpec): boolean => !/^pc(-i440fx.*|-\d.*)?$/.test(machine?.type ?? 'q35');

/** @param usesScsi whether a disk is on the SCSI bus from the start */
export function hotplugArguments(domain: DomainSpec, usesScsi: boolean): string[] {
  const hotplug = domain.devices.disableHotplug !== true;
  const args: string[] = [];
  if (usesScsi || hotplug) args.push('-device', option('virtio-scsi-pci', { id: 'scsi0' }));
  if (!hotplug || !hasPciExpress(domain)) return args;
  for (let port = 0; port < freePorts; port++) {
    args.push('-device', option('pcie-root-port', { id: `${portPrefix}${port}`, chassis: port + 1, slot: port + 1 }));
  }
  return args;
}

/** As far as it is looked at, QMP's PciInfo (`query-pci`). */
export interface PciBus {
  devices: { qdev_id: string; pci_bridge?: { devices?: unknown[] } }[];
}

/** Id of a port that nothing is plugged into; undefined when all are taken. */
export function freePort(buses: readonly PciBus[]): string | undefined {
  return buses
    .flatMap(({ devices }) => devices)
    .find(({ qdev_id: id, pci_bridge: bridge }) => id.startsWith(portPrefix) && (bridge?.devices ?? []).length === 0)?.qdev_id;
}

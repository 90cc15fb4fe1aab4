/** What each running guest does, by KubeVirt's names and with its labels (its docs/observability/metrics.md). */
import type { VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { askFileSystems, type GuestFileSystem } from '../../machines/agent/questions.ts';
import { memoryBytes } from '../../qemu/argv/argv.ts';
import type { GuestAgent } from '../../qemu/agent/types.ts';
import type { CardFigures, DiskFigures } from '../reading/guest-answers.ts';
import { readGuest, readMore, type GuestFigures } from '../reading/guest.ts';
import type { ThreadFigures } from '../reading/process.ts';
import type { RunningMachine } from '../sampler.ts';
import { labelName, type Labels, type Page } from './text.ts';

/** A scrape waits for the slowest; Prometheus gives up after ten seconds. */
const agentMs = 2000;

export interface MachineFigures {
  vmi: VirtualMachineInstance;
  figures: GuestFigures;
  balloonBytes: number | undefined;
  processors: readonly (ThreadFigures | undefined)[];
  fileSystems: readonly GuestFileSystem[];
}

export async function readMachine({ guest, vmi }: RunningMachine): Promise<MachineFigures> {
  const { agent } = guest;
  const hasty: GuestAgent = {
    connected: agent.connected,
    command: (name, args) => agent.command(name, args, agentMs),
    onChange: (listener) => agent.onChange(listener),
  };
  const [figures, more, fileSystems] = await Promise.all([
    readGuest(guest, vmi),
    readMore(guest),
    agent.connected ? askFileSystems(hasty).catch(() => []) : [],
  ]);
  return { vmi, figures, ...more, fileSystems };
}

export function writeGuests(page: Page, machines: readonly MachineFigures[], node: string): void {
  for (const machine of machines) {
    const { namespace, name, labels = {} } = machine.vmi.metadata;
    const own = Object.entries(labels).map(([label, value]) => [`kubernetes_vmi_label_${labelName(label)}`, value] as const);
    const of: Labels = { node, namespace, name, ...Object.fromEntries(own) };
    writeProcessor(page, machine, of);
    writeMemory(page, machine, of);
    for (const [drive, figures] of machine.figures.disks ?? []) writeDisk(page, figures, { ...of, drive });
    for (const [card, figures] of machine.figures.cards) writeCard(page, figures, { ...of, interface: card, network: networkOf(machine.vmi, card) });
    for (const item of machine.fileSystems) {
      const where = { ...of, disk_name: item.diskName, mount_point: item.mountPoint, file_system_type: item.fileSystemType };
      page.family('kubevirt_vmi_filesystem_capacity_bytes', 'gauge', 'Size of a file system in the guest, as its agent tells.').set(item.totalBytes, where);
      page.family('kubevirt_vmi_filesystem_used_bytes', 'gauge', 'What is used of a file system in the guest, as its agent tells.').set(item.usedBytes, where);
    }
  }
}

function writeProcessor(page: Page, { figures: { process }, processors }: MachineFigures, of: Labels): void {
  const { userSeconds, systemSeconds } = process ?? {};
  const all = userSeconds === undefined || systemSeconds === undefined ? undefined : userSeconds + systemSeconds;
  page.family('kubevirt_vmi_cpu_usage_seconds_total', 'counter', 'Processor time of the guest and of QEMU together.').set(all, of);
  page.family('kubevirt_vmi_cpu_user_usage_seconds_total', 'counter', 'Processor time in user mode.').set(userSeconds, of);
  page.family('kubevirt_vmi_cpu_system_usage_seconds_total', 'counter', 'Processor time in the host’s kernel.').set(systemSeconds, of);
  processors.forEach((thread, index) => {
    const id = String(index);
    page.family('kubevirt_vmi_vcpu_seconds_total', 'counter', 'Processor time of each virtual processor, with what it does now.').set(thread?.runSeconds, { ...of, id, state: thread?.state });
    page.family('kubevirt_vmi_vcpu_delay_seconds_total', 'counter', 'Time that each virtual processor waited for a real one.').set(thread?.waitSeconds, { ...of, id });
  });
}

function writeMemory(page: Page, { vmi, figures: { process, balloon }, balloonBytes }: MachineFigures, of: Labels): void {
  const gauge = (name: string, help: string, value: number | undefined): void => page.family(`kubevirt_vmi_memory_${name}`, 'gauge', help).set(value, of);
  gauge('resident_bytes', 'What QEMU’s process takes of the host’s memory.', process?.residentBytes);
  gauge('domain_bytes', 'Memory that the machine was given.', memoryBytes(vmi.spec.domain));
  gauge('actual_balloon_bytes', 'Memory that the balloon leaves to the guest.', balloonBytes);
  gauge('available_bytes', 'Memory that the guest’s system sees, as its balloon driver tells.', balloon?.total);
  gauge('unused_bytes', 'Memory that the guest’s system uses for nothing.', balloon?.free);
  gauge('usable_bytes', 'Memory that the guest’s system could give away without swapping.', balloon?.available);
  gauge('cached_bytes', 'Memory that the guest’s system uses to cache its disks.', balloon?.caches);
  gauge('swap_in_traffic_bytes', 'What the guest’s system read from its swap space, in all.', balloon?.swapIn);
  gauge('swap_out_traffic_bytes', 'What the guest’s system wrote to its swap space, in all.', balloon?.swapOut);
  page.family('kubevirt_vmi_memory_pgmajfault_total', 'counter', 'Page faults in the guest that needed a disk.').set(balloon?.majorFaults, of);
  page.family('kubevirt_vmi_memory_pgminfault_total', 'counter', 'Page faults in the guest that needed no disk.').set(balloon?.minorFaults, of);
}

function writeDisk(page: Page, figures: DiskFigures, of: Labels): void {
  const counter = (name: string, help: string, value: number): void => page.family(`kubevirt_vmi_storage_${name}_total`, 'counter', help).set(value, of);
  counter('iops_read', 'Reads of the disk.', figures.reads);
  counter('iops_write', 'Writes to the disk.', figures.writes);
  counter('read_traffic_bytes', 'Bytes read from the disk.', figures.readBytes);
  counter('write_traffic_bytes', 'Bytes written to the disk.', figures.writtenBytes);
  counter('read_times_seconds', 'Time that reads took.', figures.readSeconds);
  counter('write_times_seconds', 'Time that writes took.', figures.writeSeconds);
  counter('flush_requests', 'Flushes of the disk.', figures.flushes);
  counter('flush_times_seconds', 'Time that flushes took.', figures.flushSeconds);
}

function writeCard(page: Page, figures: CardFigures, of: Labels): void {
  const counter = (name: string, help: string, value: number): void => page.family(`kubevirt_vmi_network_${name}_total`, 'counter', help).set(value, of);
  counter('receive_bytes', 'Bytes that the guest received.', figures.receivedBytes);
  counter('transmit_bytes', 'Bytes that the guest sent.', figures.sentBytes);
  counter('receive_packets', 'Packets that the guest received.', figures.receivedPackets);
  counter('transmit_packets', 'Packets that the guest sent.', figures.sentPackets);
  counter('receive_errors', 'Packets that were received with errors.', figures.receiveErrors);
  counter('transmit_errors', 'Packets that could not be sent.', figures.sendErrors);
  counter('receive_packets_dropped', 'Packets that were dropped on their way into the guest.', figures.receiveDrops);
  counter('transmit_packets_dropped', 'Packets that were dropped on their way out of the guest.', figures.sendDrops);
}

const networkOf = ({ spec }: VirtualMachineInstance, card: string): string => {
  const network = spec.networks?.find(({ name }) => name === card);
  return network?.multus?.networkName ?? 'pod networking';
};

/** QEMU's command line for a guest, from its spec alone: the same input gives the same words. */
import { isEnabled, usesSecureBoot } from '#shared/kube/firmware.ts';
import type { DomainSpec, VirtualMachineInstance, VirtualMachineInstanceSpec } from '#shared/kube/kubevirt.ts';
import { parseQuantity } from '#shared/kube/quantities.ts';
import type { DiskFile } from '../../disks/types.ts';
import { AGENT_CHARDEV, AGENT_PORT } from '../agent/agent.ts';
import type { PreparedFirmware } from '../firmware/kept-state.ts';
import type { Offers } from '../offers.ts';
import type { Accelerator, HostLink } from '../types.ts';
import { clockArguments } from './clock.ts';
import { cpuArgument, cpuCount, cpuTopology } from './cpu.ts';
import { diskArguments } from './disks.ts';
import { networkArguments } from './networks.ts';
import { option, type OptionValue } from './options.ts';
import { panicArguments } from './panic.ts';
import type { GuestPaths } from './paths.ts';
import { inputArguments, screenArguments } from './people.ts';
import { watchdogArguments } from './watchdog.ts';

/** The device by which a guest tells how much of its memory it uses. */
export const BALLOON_ID = 'balloon0';

export interface ArgvInput {
  vmi: VirtualMachineInstance;
  volumes: ReadonlyMap<string, DiskFile>;
  /** By interface name; the others get a network of QEMU's own. */
  links?: ReadonlyMap<string, HostLink>;
  accelerator: Accelerator;
  /** The CPU model that guests were seen to run with here. */
  cpuModel: string;
  /** What this QEMU has, where that is known. */
  offers?: Offers | undefined;
  paths: GuestPaths;
  /** Needed when the spec asks for UEFI. */
  firmware: PreparedFirmware | undefined;
  /** When the guest starts. */
  now: Date;
}

/** @returns the arguments, without the program itself */
export function qemuArguments(input: ArgvInput): string[] {
  const { vmi, volumes, paths } = input;
  const { spec } = vmi;
  const bootIndexes = bootOrder(spec);
  return [
    ...['-name', option(`guest=${vmi.metadata.namespace ?? 'default'}/${vmi.metadata.name ?? ''}`, { 'debug-threads': true })],
    ...['-uuid', spec.domain.firmware?.uuid ?? vmi.metadata.uid ?? ''],
    ...identity(spec.domain),
    ...['-nodefaults', '-no-user-config', '-display', 'none'],
    // How a guest ended must be known even if no engine runs at that moment: QEMU waits until it was asked.
    ...['-action', 'shutdown=pause,panic=pause'],
    ...['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
    ...machine(spec.domain, input.accelerator),
    ...['-cpu', cpuArgument(spec.domain, input.cpuModel, input.accelerator, input.offers)],
    ...['-smp', option(String(cpuCount(spec.domain)), { ...cpuTopology(spec.domain) })],
    ...['-m', `size=${memoryMiB(spec.domain)}M`],
    ...clockArguments(spec.domain, input.accelerator, input.now),
    ...(spec.startStrategy === 'Paused' ? ['-S'] : []),
    ...uefi(input),
    ...tpm(spec.domain, paths),
    ...['-chardev', socket('qmp', paths.qmp), '-mon', 'chardev=qmp,mode=control'],
    ...['-device', option('qemu-xhci', { id: 'usb0' })],
    ...serialAndScreen(spec, paths),
    ...guestChannels(spec.domain, paths),
    ...panicArguments(spec.domain),
    ...watchdogArguments(spec.domain),
    ...diskArguments(spec, volumes, bootIndexes.disks),
    ...networkArguments(vmi, bootIndexes.interfaces, input.links),
  ];
}

/** Bytes of memory that the guest sees, from whichever of KubeVirt's three places names them. */
export function memoryBytes(domain: DomainSpec): number {
  const { memory, resources } = domain;
  return parseQuantity(memory?.guest ?? resources?.requests?.memory ?? resources?.limits?.memory) ?? 0;
}

const memoryMiB = (domain: DomainSpec): number => Math.max(1, Math.floor(memoryBytes(domain) / 2 ** 20));

function machine(domain: DomainSpec, accelerator: Accelerator): string[] {
  const type = domain.machine?.type ?? 'q35';
  const accel = accelerator === 'tcg' ? option('tcg', { thread: 'multi' }) : accelerator;
  return ['-machine', option(type, { usb: false, vmport: false, ...board(domain) }), '-accel', accel];
}

function socket(id: string, path: string): string {
  return option('socket', { id, path, server: true, wait: false });
}

/** What the guest's firmware tells of the machine and its case (SMBIOS types 1 and 3). */
function identity({ firmware, chassis }: DomainSpec): string[] {
  return [
    ...(firmware?.serial === undefined ? [] : ['-smbios', option('type=1', { serial: firmware.serial })]),
    ...(chassis === undefined ? [] : ['-smbios', option('type=3', { ...chassis })]),
  ];
}

function board(domain: DomainSpec): Record<string, OptionValue> {
  const { acpi, smm } = domain.features ?? {};
  return {
    smm: needsSmm(domain) ? true : smm ? false : undefined,
    acpi: acpi && !isEnabled(acpi) ? false : undefined,
    hpet: domain.clock?.timer?.hpet?.present,
    pit: domain.clock?.timer?.pit?.present,
  };
}

/** The mode of the processor in which firmware keeps its variables to itself: secure boot rests on it. */
const needsSmm = (domain: DomainSpec): boolean => usesSecureBoot(domain) || isEnabled(domain.features?.smm);

function uefi({ vmi, firmware }: ArgvInput): string[] {
  if (firmware === undefined) return [];
  const flash = (unit: number, file: string, readonly: boolean): string[] => [
    '-drive',
    option('if=pflash', { format: 'raw', unit, readonly, file }),
  ];
  // Without the first, the guest could write the variables past the firmware; the second is what OVMF with SMM asks for.
  const guarded = ['-global', 'driver=cfi.pflash01,property=secure,value=on', '-global', 'ICH9-LPC.disable_s3=1'];
  return [
    ...(usesSecureBoot(vmi.spec.domain) ? guarded : []),
    ...flash(0, firmware.code, true),
    ...flash(1, firmware.ownVariables, false),
  ];
}

function tpm({ devices }: DomainSpec, paths: GuestPaths): string[] {
  if (!isEnabled(devices.tpm)) return [];
  return [
    ...['-chardev', option('socket', { id: 'tpm', path: paths.tpm })],
    ...['-tpmdev', 'emulator,id=tpm0,chardev=tpm', '-device', 'tpm-crb,tpmdev=tpm0'],
  ];
}

function serialAndScreen(spec: VirtualMachineInstanceSpec, paths: GuestPaths): string[] {
  const { devices } = spec.domain;
  const args: string[] = [];
  if (devices.autoattachSerialConsole !== false) {
    args.push('-chardev', socket('serial0', paths.serial), '-serial', 'chardev:serial0');
  }
  args.push(...screenArguments(spec.domain, paths), ...inputArguments(spec.domain));
  return args;
}

function guestChannels(domain: DomainSpec, paths: GuestPaths): string[] {
  return [
    ...['-device', option('virtio-serial-pci', { id: 'channels' })],
    ...['-chardev', socket(AGENT_CHARDEV, paths.agent)],
    ...['-device', option('virtserialport', { id: AGENT_PORT, bus: 'channels.0', chardev: AGENT_CHARDEV, name: 'org.qemu.guest_agent.0' })],
    ...(domain.devices.autoattachMemBalloon === false ? [] : ['-device', option('virtio-balloon-pci', { id: BALLOON_ID })]),
    ...(domain.devices.rng === undefined
      ? []
      : ['-object', 'rng-builtin,id=rng0', '-device', 'virtio-rng-pci,rng=rng0']),
  ];
}

interface BootIndexes {
  disks: Map<string, number>;
  interfaces: Map<string, number>;
}

/** What is named in the spec, or else the disks in their order. */
function bootOrder(spec: VirtualMachineInstanceSpec): BootIndexes {
  const { disks = [], interfaces = [] } = spec.domain.devices;
  const named = (devices: readonly { name: string; bootOrder?: number }[]): Map<string, number> =>
    new Map(devices.flatMap(({ name, bootOrder }) => (bootOrder === undefined ? [] : [[name, bootOrder] as const])));
  const asked = { disks: named(disks), interfaces: named(interfaces) };
  if (asked.disks.size + asked.interfaces.size > 0) return asked;
  return { disks: new Map(disks.map((disk, index) => [disk.name, index + 1])), interfaces: new Map() };
}

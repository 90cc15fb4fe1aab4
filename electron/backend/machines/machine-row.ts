/** A machine as the list shows it, from its VirtualMachine and its running instance. */
import { refKey, type Machine } from '#shared/contract/machines.ts';
import type { DataVolume } from '#shared/kube/cdi.ts';
import type { DomainSpec, VirtualMachine, VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import {
  findCondition,
  powerActionsOf,
  runStrategyOf,
  statusOf,
  toneOf,
} from '#shared/kube/machine-status.ts';
import { parseQuantity } from '#shared/kube/quantities.ts';
import { explain } from './explanation/explain.ts';

export interface MachineObjects {
  vm: VirtualMachine;
  vmi: VirtualMachineInstance | undefined;
  /** DataVolumes that the machine owns. */
  volumes: readonly DataVolume[];
  /** Of a machine whose instancetype says what it has. */
  size?: { cores: number; memoryBytes: number };
}

export function machineRow(clusterId: string, { vm, vmi, volumes, size }: MachineObjects): Machine {
  const ref = { clusterId, namespace: vm.metadata.namespace ?? 'default', name: vm.metadata.name ?? '' };
  const status = statusOf(vm);
  const { domain } = vm.spec.template.spec;
  const started = vmi?.status?.phaseTransitionTimestamps?.find((entry) => entry.phase === 'Running');
  const reason = status === 'Running' || status === 'Migrating' ? undefined : explain({ vm, vmi, volumes })?.sentence;
  return {
    ...ref,
    key: refKey(ref),
    uid: vm.metadata.uid ?? '',
    status,
    tone: toneOf(status),
    ...(reason === undefined ? {} : { reason }),
    runStrategy: runStrategyOf(vm),
    ...(size ?? { cores: coresOf(domain), memoryBytes: memoryOf(domain) }),
    ...(vmi?.status?.nodeName === undefined ? {} : { node: vmi.status.nodeName }),
    addresses: (vmi?.status?.interfaces ?? []).flatMap((item) => item.ipAddresses ?? (item.ipAddress ? [item.ipAddress] : [])),
    labels: vm.metadata.labels ?? {},
    created: timeOf(vm.metadata.creationTimestamp) ?? 0,
    ...(started && status === 'Running' ? { started: timeOf(started.phaseTransitionTimestamp) } : {}),
    emulated: findCondition(vmi?.status?.conditions, 'SoftwareEmulation')?.status === 'True',
    hasGraphics: domain.devices.autoattachGraphicsDevice !== false,
    hasSerial: domain.devices.autoattachSerialConsole !== false,
    actions: powerActionsOf(vm, vmi),
    ...workOn(vm, vmi),
  };
}

/** What is under way, or waits, or is not possible, beyond the machine's power. */
function workOn(vm: VirtualMachine, vmi: VirtualMachineInstance | undefined): Partial<Machine> {
  const { snapshotInProgress, restoreInProgress, conditions } = vm.status ?? {};
  const movable = findCondition(vmi?.status?.conditions, 'LiveMigratable');
  return {
    ...(findCondition(conditions, 'RestartRequired')?.status === 'True' ? { restartRequired: true } : {}),
    ...(movable?.status === 'False' ? { notMigratable: movable.message ?? movable.reason ?? 'The cluster cannot move it while it runs.' } : {}),
    ...(snapshotInProgress ? { snapshotting: snapshotInProgress } : {}),
    ...(restoreInProgress ? { restoring: restoreInProgress } : {}),
  };
}

export function coresOf(domain: DomainSpec): number {
  const { sockets = 1, cores = 1, threads = 1 } = domain.cpu ?? {};
  return sockets * cores * threads;
}

export function memoryOf({ memory, resources }: DomainSpec): number {
  return parseQuantity(memory?.guest ?? resources?.requests?.memory ?? resources?.limits?.memory) ?? 0;
}

/** Milliseconds since the epoch, or undefined for no time at all. */
export function timeOf(timestamp: string | null | undefined): number | undefined {
  const time = Date.parse(timestamp ?? '');
  return Number.isNaN(time) ? undefined : time;
}

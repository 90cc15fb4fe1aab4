/** A running instance's status, from what QEMU says. Pure. */
import type { VirtualMachineInstance, VmiPhase } from '#shared/kube/kubevirt.ts';
import { memoryBytes } from '../../qemu/argv/argv.ts';
import { cpuTopology } from '../../qemu/argv/cpu.ts';
import { macAddress } from '../../qemu/argv/networks.ts';
import type { Acceleration, GuestState } from '../../qemu/types.ts';
import { setCondition } from '../guests.ts';
import { linkStateOf } from '../network-links/links.ts';

type Status = NonNullable<VirtualMachineInstance['status']>;

export interface PhaseChange {
  phase: VmiPhase;
  /** Why it is not ready, in words; undefined when it is. */
  reason?: string;
  message?: string;
}

const finalPhases = new Set<VmiPhase | undefined>(['Succeeded', 'Failed']);

export const isFinal = (vmi: VirtualMachineInstance): boolean => finalPhases.has(vmi.status?.phase);

/** A life shorter than this counts as a failed start. */
export const SHORT_LIFE_MS = 10_000;

const enteredAt = (vmi: VirtualMachineInstance, wanted: VmiPhase): number =>
  Date.parse(vmi.status?.phaseTransitionTimestamps?.find(({ phase }) => phase === wanted)?.phaseTransitionTimestamp ?? '');

const endedAt = (vmi: VirtualMachineInstance): number => enteredAt(vmi, vmi.status?.phase ?? '');

/** It ended without ever running, or soon after it began to. */
export const diedYoung = (vmi: VirtualMachineInstance): boolean =>
  isFinal(vmi) && !(endedAt(vmi) - enteredAt(vmi, 'Running') >= SHORT_LIFE_MS);

/** It ran, or has been running, for long enough that earlier failures are forgotten. */
export const hasSettled = (vmi: VirtualMachineInstance): boolean =>
  (isFinal(vmi) ? endedAt(vmi) : Date.now()) - enteredAt(vmi, 'Running') >= SHORT_LIFE_MS;

export const reachedRunning = (vmi: VirtualMachineInstance): boolean =>
  vmi.status?.phaseTransitionTimestamps?.some(({ phase }) => phase === 'Running') ?? false;

/** The phases that KubeVirt's instances pass on their way; here there is no pod to be placed. */
export function beginLife(status: Status, vmi: VirtualMachineInstance, begun: string): void {
  if (status.phase === undefined) enterPhase(status, { phase: 'Pending' }, vmi.metadata.creationTimestamp ?? begun);
  enterPhase(status, { phase: 'Scheduling' }, begun);
  enterPhase(status, { phase: 'Scheduled' }, begun);
}

/** It went down with the host, and has its life before it again. */
export function beginAgain(status: Status, now: string): void {
  status.phaseTransitionTimestamps = [];
  delete status.phase;
  enterPhase(status, { phase: 'Pending', reason: 'HostRestarted', message: 'The machine begins again, as the host did.' }, now);
}

/** Enters a phase: records when, and says whether the instance is ready. */
export function enterPhase(status: Status, change: PhaseChange, now: string): void {
  if (status.phase !== change.phase) {
    status.phase = change.phase;
    status.phaseTransitionTimestamps = [
      ...(status.phaseTransitionTimestamps ?? []),
      { phase: change.phase, phaseTransitionTimestamp: now },
    ];
  }
  const ready = change.phase === 'Running' && change.reason === undefined;
  status.conditions = setCondition(
    status.conditions ?? [],
    'Ready',
    ready
      ? { status: 'True' }
      : { status: 'False', reason: change.reason ?? 'GuestNotRunning', message: change.message ?? 'Guest VM is not reported as running' },
    now,
  );
}

/** It is there and does not say how it stands: nothing else that is known of it is taken back. */
export function describeMute(status: Status, now: string): void {
  const condition = { status: 'False', reason: 'GuestNotResponding', message: 'QEMU runs and does not answer.' } as const;
  status.conditions = setCondition(status.conditions ?? [], 'Ready', condition, now);
}

/** What is true of a guest as long as it runs. */
export function describeRunning(status: Status, vmi: VirtualMachineInstance, facts: RunningFacts, now: string): void {
  const { domain } = vmi.spec;
  const { state, acceleration } = facts;
  status.nodeName = facts.nodeName;
  const memory = String(memoryBytes(domain));
  status.memory = { guestAtBoot: memory, guestCurrent: memory, guestRequested: memory };
  status.currentCPUTopology = cpuTopology(domain);
  status.machine = { type: domain.machine?.type ?? 'q35' };
  status.interfaces = (domain.devices.interfaces ?? []).map((item) => ({
    name: item.name,
    mac: macAddress(vmi, item),
    infoSource: 'domain',
    linkState: linkStateOf(item),
  }));
  const conditions: [string, { status: 'True' | 'False'; reason?: string; message?: string } | undefined][] = [
    ['Paused', pausedCondition(state, facts.full)],
    [
      'LiveMigratable',
      { status: 'False', reason: NOT_MIGRATABLE, message: 'There is one computer here, and nowhere to migrate to.' },
    ],
    ['StorageLiveMigratable', { status: 'False', reason: NOT_MIGRATABLE, message: 'Disks are moved while a machine is off.' }],
    ['DataVolumesReady', usesDataVolumes(vmi) ? { status: 'True', reason: 'AllDVsReady', message: 'All volumes are there.' } : undefined],
    ['Synchronized', undefined],
    [
      'SoftwareEmulation',
      acceleration.accelerator === 'tcg'
        ? { status: 'True', reason: 'SoftwareEmulation', message: acceleration.reason ?? 'The guest is emulated in software, which is slow.' }
        : undefined,
    ],
  ];
  for (const [type, condition] of conditions) status.conditions = setCondition(status.conditions ?? [], type, condition, now);
}

/** Why a machine cannot be migrated, as its condition says it. */
export const NOT_MIGRATABLE = 'SingleNode';

const usesDataVolumes = (vmi: VirtualMachineInstance): boolean =>
  (vmi.spec.volumes ?? []).some(({ dataVolume }) => dataVolume !== undefined);

export interface RunningFacts {
  /** Why a disk cannot be written, where the host has no room for it. */
  full?: string | undefined;
  state: GuestState;
  nodeName: string;
  acceleration: Acceleration;
}

/** @param full what is known of a disk that the host has no room for */
export function pausedCondition(state: GuestState, full?: string): { status: 'True'; reason: string; message: string } | undefined {
  switch (state) {
    case 'paused':
      return { status: 'True', reason: 'PausedByUser', message: 'VMI was paused by user' };
    case 'io-error':
      return {
        status: 'True',
        reason: 'PausedIOError',
        message: full ?? 'A disk could not be read or written: the host’s disk reports an error. Look at its health, then resume the machine.',
      };
    default:
      return undefined;
  }
}

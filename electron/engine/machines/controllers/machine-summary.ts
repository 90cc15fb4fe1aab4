/** A machine's printable status and conditions, in KubeVirt's words. Pure. */
import type { PrintableStatus, VirtualMachine, VirtualMachineInstance, Volume } from '#shared/kube/kubevirt.ts';
import { findCondition } from '#shared/kube/machine-status.ts';
import type { Condition } from '#shared/kube/object.ts';
import { setCondition } from '../guests.ts';
import { isFinal } from './instance-status.ts';

const FAILED_START = 'FailedStart';
const FAILURE = 'Failure';

export interface DisksSummary {
  state: 'ready' | 'pending' | 'missing' | 'failed';
  message: string;
}

export interface Situation {
  vm: VirtualMachine;
  vmi: VirtualMachineInstance | undefined;
  disks: DisksSummary;
  wantsToRun: boolean;
  templateChanged: boolean;
  /** Why an instance or a volume could not be made. */
  failure: string | undefined;
}

export function printableStatus({ vm, vmi, disks, wantsToRun }: Situation): PrintableStatus {
  if (vm.metadata.deletionTimestamp !== undefined) return 'Terminating';
  const failing = (vm.status?.startFailure?.consecutiveFailCount ?? 0) > 0;
  if (vmi && !isFinal(vmi)) {
    if (vmi.metadata.deletionTimestamp !== undefined) return 'Stopping';
    if (vmi.status?.phase !== 'Running') return 'Starting';
    return findCondition(vmi.status.conditions, 'Paused')?.status === 'True' ? 'Paused' : 'Running';
  }
  if (disks.state === 'failed') return 'DataVolumeError';
  if (disks.state === 'pending') return 'Provisioning';
  if (wantsToRun && disks.state === 'missing') return 'ErrorPvcNotFound';
  if (failing) return 'CrashLoopBackOff';
  return wantsToRun && !vmi ? 'Starting' : 'Stopped';
}

export function summarize(status: NonNullable<VirtualMachine['status']>, situation: Situation, now: string): void {
  const { vm, vmi, templateChanged, failure, disks } = situation;
  const running = vmi !== undefined && !isFinal(vmi) && vmi.status?.phase === 'Running';
  const ready = running && findCondition(vmi.status?.conditions, 'Ready')?.status === 'True';
  status.printableStatus = printableStatus(situation);
  status.created = vmi !== undefined;
  status.ready = ready;
  if (vm.metadata.generation !== undefined) {
    status.observedGeneration = vm.metadata.generation;
    status.desiredGeneration = vm.metadata.generation;
  }
  status.volumeSnapshotStatuses = (vm.spec.template.spec.volumes ?? []).map(snapshotStatus);
  const lastFailure = failureOfStart(status.conditions ?? [], situation);
  const trouble = failure ?? (disks.state === 'failed' || (disks.state === 'missing' && situation.wantsToRun) ? disks.message : undefined);
  const notReady = vmi
    ? notReadyOf(vmi)
    : { status: 'False' as const, reason: 'VMINotExists', message: 'VMI does not exist' };
  let conditions = setCondition(takeOver(status.conditions ?? [], vmi, now), 'Ready', ready ? { status: 'True' } : notReady, now);
  conditions = setCondition(
    conditions,
    'RestartRequired',
    running && templateChanged
      ? { status: 'True', reason: 'RestartRequired', message: 'The machine was changed; the changes apply after its next restart.' }
      : undefined,
    now,
  );
  status.conditions = setCondition(
    conditions,
    FAILURE,
    trouble === undefined ? lastFailure : { status: 'True', reason: 'FailedCreate', message: trouble },
    now,
  );
}

function notReadyOf(vmi: VirtualMachineInstance): Omit<Condition, 'type'> {
  const { reason = 'GuestNotRunning', message } = findCondition(vmi.status?.conditions, 'Ready') ?? {};
  return { status: 'False', reason, message: message ?? vmi.status?.reason ?? 'Guest VM is not reported as running' };
}

/** A machine's own conditions; all others are its instance's, and there as long as that is. */
const own = new Set(['Ready', FAILURE, 'RestartRequired', 'ManualRecoveryRequired']);

function takeOver(list: Condition[], vmi: VirtualMachineInstance | undefined, now: string): Condition[] {
  const theirs = (vmi?.status?.conditions ?? []).filter(({ type }) => !own.has(type));
  const kept = list.filter(({ type }) => own.has(type) || theirs.some((condition) => condition.type === type));
  return theirs.reduce<Condition[]>((all, { type, ...rest }) => {
    const { lastTransitionTime = now, ...next } = rest;
    return setCondition(all, type, next, lastTransitionTime);
  }, kept);
}

/** Why the guest failed, told for as long as it is tried again: the instance that knew it is gone by then. */
function failureOfStart(told: readonly Condition[], { vm, vmi }: Situation): Omit<Condition, 'type'> | undefined {
  if (vmi?.status?.phase === 'Failed') {
    return { status: 'True', reason: FAILED_START, message: vmi.status.reason ?? 'The guest ended with a failure.' };
  }
  const failing = (vm.status?.startFailure?.consecutiveFailCount ?? 0) > 0 && vmi?.status?.phase !== 'Running';
  const before = findCondition(told, FAILURE);
  return failing && before?.reason === FAILED_START ? { status: 'True', reason: FAILED_START, message: before.message ?? '' } : undefined;
}

/** Whether a snapshot of the machine holds this volume. */
function snapshotStatus({ name, dataVolume, persistentVolumeClaim }: Volume): { name: string; enabled: boolean; reason?: string } {
  if (dataVolume ?? persistentVolumeClaim) return { name, enabled: true };
  return { name, enabled: false, reason: `Snapshot is not supported for this volumeSource type [${name}]` };
}

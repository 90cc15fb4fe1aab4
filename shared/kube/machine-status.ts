/** How a machine stands, in words and colours, from KubeVirt's own status. */
import type { StatusTone, PowerAction } from '../contract/machines.ts';
import type { Condition } from './object.ts';
import type { PrintableStatus, RunStrategy, VirtualMachine, VirtualMachineInstance } from './kubevirt.ts';

const tones: Readonly<Record<string, StatusTone | undefined>> = {
  Running: 'good',
  Provisioning: 'busy',
  Starting: 'busy',
  Stopping: 'busy',
  Terminating: 'busy',
  Migrating: 'busy',
  WaitingForReceiver: 'busy',
  WaitingForVolumeBinding: 'busy',
  Stopped: 'off',
  Paused: 'warning',
  Unknown: 'warning',
  CrashLoopBackOff: 'bad',
  ErrorUnschedulable: 'bad',
  ErrImagePull: 'bad',
  ImagePullBackOff: 'bad',
  ErrorPvcNotFound: 'bad',
  DataVolumeError: 'bad',
} satisfies Record<PrintableStatus, StatusTone>;

export function statusOf(vm: VirtualMachine): PrintableStatus {
  if (vm.metadata.deletionTimestamp !== undefined) return 'Terminating';
  return vm.status?.printableStatus ?? 'Stopped';
}

export function toneOf(status: string): StatusTone {
  return tones[status] ?? 'warning';
}

/** The run strategy in force; `running` is the older way of saying it. */
export function runStrategyOf(vm: VirtualMachine): RunStrategy {
  return vm.spec.runStrategy ?? (vm.spec.running === true ? 'Always' : 'Halted');
}

export function findCondition(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

type Actions = Record<PowerAction, { allowed: boolean; reason?: string }>;

const yes = { allowed: true };
const no = (reason: string): { allowed: boolean; reason: string } => ({ allowed: false, reason });

/**
 * What can be done to the machine's power now, by KubeVirt's own rules (start on `Always` and restart on `Halted` are
 * refused by its API).
 */
export function powerActionsOf(vm: VirtualMachine, vmi: VirtualMachineInstance | undefined): Actions {
  const status = statusOf(vm);
  const all = (reason: string): Actions => {
    const refused = no(reason);
    return { start: refused, stop: refused, forceOff: refused, restart: refused, pause: refused, unpause: refused };
  };
  if (vm.metadata.deletionTimestamp !== undefined) return all('It is being deleted.');
  const phase = vmi?.status?.phase;
  const exists = vmi !== undefined && phase !== 'Succeeded' && phase !== 'Failed';
  const running = exists && phase === 'Running';
  const paused = findCondition(vmi?.status?.conditions, 'Paused')?.status === 'True';
  const strategy = runStrategyOf(vm);
  const startable = !exists && strategy !== 'Always' && strategy !== 'Once';
  const off = no('It is not running.');
  const stopping = status === 'Stopping';
  return {
    start: startable ? yes : no(exists ? 'It is running already.' : 'It starts by itself as soon as it can.'),
    stop: stopping ? no('It is shutting down already.') : exists || strategy === 'Always' ? yes : off,
    forceOff: exists ? yes : off,
    restart: !running ? off : strategy === 'Once' ? no('It is set to run just once.') : yes,
    pause: !running ? off : paused ? no('It is paused already.') : stopping ? no('It is shutting down.') : yes,
    unpause: running && paused ? yes : no('It is not paused.'),
  };
}

/** How long a machine that does not stay up waits for its next start. Pure. Source: KubeVirt's watch/vm (syncStartFailureStatus). */
import type { RunStrategy, VirtualMachine, VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { diedYoung, hasSettled } from './instance-status.ts';

export type StartFailure = NonNullable<NonNullable<VirtualMachine['status']>['startFailure']>;

/** KubeVirt's `calculateStartBackoffTime`: ten seconds times the square of the failures, and up to half as much again. */
const unitSeconds = 10;
const longestSeconds = 300;

const startsByItself = new Set<RunStrategy>(['Always', 'RerunOnFailure', 'Once']);

/**
 * KubeVirt forgets failures as soon as a guest ran at all: its guests take some ten seconds to get there. Ours take a
 * tenth of a second, so a guest must have run for a while, or one that ends at once would be started at full speed.
 * @param random between 0 and 1; spreads the starts of machines that failed together
 */
export function nextStartFailure(
  before: StartFailure | undefined,
  strategy: RunStrategy,
  vmi: VirtualMachineInstance | undefined,
  now = Date.now(),
  random = Math.random(),
): StartFailure | undefined {
  if (!startsByItself.has(strategy) || (vmi && hasSettled(vmi))) return undefined;
  // Only where it would be started again at once is an early end of its own will a reason to wait.
  if (vmi?.status?.phase === 'Succeeded' && strategy !== 'Always') return undefined;
  // What was asked to end did not fail, however that went.
  if (!vmi || vmi.metadata.deletionTimestamp !== undefined || !diedYoung(vmi)) return before;
  if (before?.lastFailedVMIUID === vmi.metadata.uid) return before;
  const count = (before?.consecutiveFailCount ?? 0) + 1;
  const least = unitSeconds * count ** 2;
  const seconds = Math.min(longestSeconds, least + Math.floor((least / 2) * random));
  return {
    consecutiveFailCount: count,
    retryAfterTimestamp: new Date(now + seconds * 1000).toISOString(),
    ...(vmi.metadata.uid === undefined ? {} : { lastFailedVMIUID: vmi.metadata.uid }),
  };
}

/** Milliseconds until another start may be tried; undefined when it may now. */
export function waitLeft(vm: VirtualMachine, now = Date.now()): number | undefined {
  const left = Date.parse(vm.status?.startFailure?.retryAfterTimestamp ?? '') - now;
  return left > 0 ? left : undefined;
}

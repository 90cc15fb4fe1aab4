/** What a machine's run strategy asks for now. Pure. Source: KubeVirt's pkg/virt-controller/watch/vm (run strategies). */
import type { RunStrategy, StateChangeRequest, VirtualMachine, VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { runStrategyOf } from '#shared/kube/machine-status.ts';
import { isFinal } from './instance-status.ts';

export type Decision = 'start' | 'stop' | 'leave';

export interface RunFacts {
  vm: VirtualMachine;
  vmi: VirtualMachineInstance | undefined;
}

const firstRequest = (vm: VirtualMachine): StateChangeRequest | undefined => vm.status?.stateChangeRequests?.[0];

export function decide({ vm, vmi }: RunFacts): Decision {
  const strategy = runStrategyOf(vm);
  const request = firstRequest(vm);
  if (vmi) {
    if (request?.action === 'Stop' && request.uid === vmi.metadata.uid) return 'stop';
    if (strategy === 'Halted') return 'stop';
    if (!isFinal(vmi)) return 'leave';
    // What ended makes way for what follows.
    if (request?.action === 'Start' || strategy === 'Always') return 'stop';
    return strategy === 'RerunOnFailure' && vmi.status?.phase === 'Failed' ? 'stop' : 'leave';
  }
  if (strategy === 'Halted') return 'leave';
  if (request?.action === 'Start' || strategy === 'Always') return 'start';
  // These two begin by themselves once, when the strategy is new.
  const isNew = vm.status?.runStrategy !== strategy;
  return (strategy === 'RerunOnFailure' || strategy === 'Once') && isNew ? 'start' : 'leave';
}

/** Requests that are still open, once what they ask for has been seen to. */
export function openRequests(requests: readonly StateChangeRequest[], vmi: VirtualMachineInstance | undefined): StateChangeRequest[] {
  return requests.filter((request) => {
    if (request.action === 'Stop') return vmi?.metadata.uid === request.uid;
    return !vmi || isFinal(vmi) || requests.some((other) => other.action === 'Stop' && other.uid === vmi.metadata.uid);
  });
}

/** A machine with this strategy that failed is to be started again. */
export const restartsAfterFailure = (strategy: RunStrategy): boolean => strategy === 'Always' || strategy === 'RerunOnFailure';

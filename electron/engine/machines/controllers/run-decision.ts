/** What a machine's run strategy asks for now. Pure. Source: KubeVirt's pkg/virt-controller/watch/vm (syncRunStrategy). */
import type { StateChangeRequest, VirtualMachine, VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { runStrategyOf } from '#shared/kube/machine-status.ts';
import { isFinal } from './instance-status.ts';

/** `switch-on`: a halted machine that was asked to start becomes one that always runs. */
export type Decision = 'start' | 'stop' | 'leave' | 'switch-on';

export interface RunFacts {
  vm: VirtualMachine;
  vmi: VirtualMachineInstance | undefined;
}

export function decide({ vm, vmi }: RunFacts): Decision {
  const strategy = runStrategyOf(vm);
  // Requests are seen to one after the other.
  const request = vm.status?.stateChangeRequests?.[0];
  const asksToStart = request?.action === 'Start';
  const asksToStop = vmi !== undefined && request?.action === 'Stop' && request.uid === vmi.metadata.uid;
  switch (strategy) {
    case 'Always':
      if (vmi) return asksToStop || isFinal(vmi) ? 'stop' : 'leave';
      return 'start';
    case 'RerunOnFailure':
      if (vmi) return asksToStop || isFinal(vmi) ? 'stop' : 'leave';
      // It begins by itself once, when the strategy is new.
      return asksToStart || vm.status?.runStrategy !== strategy ? 'start' : 'leave';
    case 'Manual':
      if (vmi) return asksToStop ? 'stop' : 'leave';
      return asksToStart ? 'start' : 'leave';
    case 'Once':
      return vmi ? 'leave' : 'start';
    case 'Halted':
      if (vmi) return 'stop';
      // The one start that is left to the controller for a halted machine; what else waits was asked for before it was halted.
      return startsPaused(vm) ? 'switch-on' : 'leave';
  }
}

/**
 * Requests that are still open, once what the first ones ask for has been seen to. A machine that was halted while it
 * restarted stays off: KubeVirt would take the second half of the restart for a start.
 */
export function openRequests({ vm, vmi }: RunFacts): StateChangeRequest[] {
  const requests = vm.status?.stateChangeRequests ?? [];
  const firstOpen = requests.findIndex((request) => !isDone(request, vmi));
  const open = firstOpen < 0 ? [] : requests.slice(firstOpen);
  return runStrategyOf(vm) === 'Halted' ? open.filter(({ action, data }) => action === 'Stop' || data?.['paused'] === 'true') : open;
}

function isDone(request: StateChangeRequest, vmi: VirtualMachineInstance | undefined): boolean {
  if (request.action === 'Stop') return vmi === undefined || vmi.metadata.uid !== request.uid;
  return vmi !== undefined && vmi.metadata.deletionTimestamp === undefined && !isFinal(vmi);
}

/** Whether the next start was asked to be a paused one (`start` with `paused: true`). */
export function startsPaused(vm: VirtualMachine): boolean {
  const request = vm.status?.stateChangeRequests?.[0];
  return request?.action === 'Start' && request.data?.['paused'] === 'true';
}

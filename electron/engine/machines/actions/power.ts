/** KubeVirt's actions on machines and instances, with its codes and words (pkg/virt-api/rest/lifecycle.go). */
import type { RunStrategy, VirtualMachine, VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { findCondition, runStrategyOf } from '#shared/kube/machine-status.ts';
import { ApiError, badRequest, conflict, notFound } from '../../api/errors.ts';
import type { SubresourceRequest, SubresourceResponse, SubresourceRoute } from '../../api/definition.ts';
import type { EngineContext } from '../../context.ts';
import type { Guest } from '../../qemu/types.ts';
import { isFinal } from '../controllers/instance-status.ts';
import { virtualMachineInstances } from '../definitions/virtual-machine-instance.ts';
import { virtualMachines } from '../definitions/virtual-machine.ts';
import type { Guests } from '../guests.ts';

export const subresourceGroup = { group: 'subresources.kubevirt.io', versions: ['v1', 'v1alpha3'] };

export interface ActionParts {
  context: () => EngineContext;
  guests: Guests;
}

const accepted: SubresourceResponse = { status: 202 };
const done: SubresourceResponse = { status: 200 };

export function powerRoutes(parts: ActionParts): SubresourceRoute[] {
  const onMachine = (subresource: string, handle: (request: SubresourceRequest) => SubresourceResponse): SubresourceRoute => ({
    ...subresourceGroup,
    resource: 'virtualmachines',
    subresource,
    method: 'PUT',
    handle,
  });
  const onGuest = (subresource: string, act: (guest: Guest, vmi: VirtualMachineInstance) => Promise<void>): SubresourceRoute => ({
    ...subresourceGroup,
    resource: 'virtualmachineinstances',
    subresource,
    method: 'PUT',
    handle: async ({ namespace, name }) => {
      const vmi = findInstance(parts, namespace, name);
      const guest = parts.guests.get(vmi.metadata.uid);
      if (!guest || vmi.status?.phase !== 'Running') throw conflict(virtualMachineInstances, name, 'VM is not running');
      await act(guest, vmi);
      parts.guests.onChange(guest.uid);
      return done;
    },
  });
  const isPaused = (vmi: VirtualMachineInstance): boolean => findCondition(vmi.status?.conditions, 'Paused')?.status === 'True';
  return [
    onMachine('start', (request) => start(parts, request)),
    onMachine('stop', (request) => stop(parts, request)),
    onMachine('restart', (request) => restart(parts, request)),
    onGuest('pause', async (guest, vmi) => {
      if (isPaused(vmi)) throw conflict(virtualMachineInstances, vmi.metadata.name ?? '', 'VMI is already paused');
      await guest.pause();
    }),
    onGuest('unpause', async (guest, vmi) => {
      if (!isPaused(vmi)) throw conflict(virtualMachineInstances, vmi.metadata.name ?? '', 'VMI is not paused');
      await guest.resume();
    }),
    onGuest('reset', (guest) => guest.reset()),
    onGuest('softreboot', (_guest, vmi) => {
      throw conflict(virtualMachineInstances, vmi.metadata.name ?? '', 'VMI neither have the agent connected nor the ACPI feature enabled');
    }),
  ];
}

export function findInstance({ context }: ActionParts, namespace: string, name: string): VirtualMachineInstance {
  const vmi = context().resources.get(virtualMachineInstances, namespace, name);
  if (!vmi) throw notFound(virtualMachineInstances, name);
  return vmi;
}

function find({ context }: ActionParts, { namespace, name }: SubresourceRequest): { vm: VirtualMachine; vmi: VirtualMachineInstance | undefined } {
  const { resources } = context();
  const vm = resources.get(virtualMachines, namespace, name);
  if (!vm) throw notFound(virtualMachines, name);
  return { vm, vmi: resources.get(virtualMachineInstances, namespace, name) };
}

const isLive = (vmi: VirtualMachineInstance | undefined): vmi is VirtualMachineInstance => vmi !== undefined && !isFinal(vmi);

function start(parts: ActionParts, request: SubresourceRequest): SubresourceResponse {
  const { vm, vmi } = find(parts, request);
  const options = (request.body ?? {}) as { paused?: boolean };
  if (options.paused === true) throw badRequest('starting paused is not offered here: set startStrategy: Paused in the template');
  if (isLive(vmi)) throw conflict(virtualMachines, request.name, 'VM is already running');
  const strategy = runStrategyOf(vm);
  if (strategy === 'Always' || strategy === 'Once') {
    throw conflict(virtualMachines, request.name, `${strategy} does not support manual start requests`);
  }
  if (isDryRun(request)) return accepted;
  if (strategy === 'Halted') setStrategy(parts, vm, 'Always');
  else ask(parts, vm, [{ action: 'Start' }]);
  return accepted;
}

function stop(parts: ActionParts, request: SubresourceRequest): SubresourceResponse {
  const { vm, vmi } = find(parts, request);
  const { gracePeriod } = (request.body ?? {}) as { gracePeriod?: unknown };
  if (gracePeriod !== undefined && !isSeconds(gracePeriod)) throw badRequest('gracePeriod has to be a whole number of seconds, 0 or more');
  const strategy = runStrategyOf(vm);
  const waits = vm.status?.startFailure !== undefined || strategy === 'Always';
  if (!isLive(vmi) && !(waits && strategy !== 'Halted')) throw conflict(virtualMachines, request.name, 'VM is not running');
  if (isLive(vmi)) {
    const granted = vmi.spec.terminationGracePeriodSeconds ?? 0;
    if (strategy === 'Halted' && !(gracePeriod !== undefined && gracePeriod < granted)) {
      throw conflict(virtualMachines, request.name, 'Halted only supports manual stop requests with a shorter graceperiod');
    }
  }
  if (isDryRun(request)) return accepted;
  if (isLive(vmi) && gracePeriod !== undefined) grant(parts, vmi, gracePeriod);
  if (strategy === 'Always' || strategy === 'Once') setStrategy(parts, vm, 'Halted');
  else if (strategy !== 'Halted') ask(parts, vm, vmi ? [{ action: 'Stop', uid: vmi.metadata.uid ?? '' }] : []);
  return accepted;
}

function restart(parts: ActionParts, request: SubresourceRequest): SubresourceResponse {
  const { vm, vmi } = find(parts, request);
  const { gracePeriodSeconds } = (request.body ?? {}) as { gracePeriodSeconds?: number };
  if (gracePeriodSeconds !== undefined && gracePeriodSeconds !== 0) {
    throw badRequest(
      gracePeriodSeconds > 0
        ? 'For force restart, only gracePeriod=0 is supported for now'
        : 'gracePeriod has to be greater or equal to 0',
    );
  }
  const strategy = runStrategyOf(vm);
  if (strategy === 'Halted' || strategy === 'Once') {
    throw conflict(virtualMachines, request.name, `RunStategy ${strategy} does not support manual restart requests`);
  }
  if (!isLive(vmi)) throw conflict(virtualMachines, request.name, 'VM is not running');
  if (vm.status?.stateChangeRequests !== undefined) {
    throw new ApiError(500, 'InternalError', 'unable to complete request: stop/start already underway');
  }
  if (isDryRun(request)) return accepted;
  if (gracePeriodSeconds === 0) grant(parts, vmi, 0);
  ask(parts, vm, [{ action: 'Stop', uid: vmi.metadata.uid ?? '' }, { action: 'Start' }]);
  return accepted;
}

const isSeconds = (value: unknown): value is number => Number.isInteger(value) && Number(value) >= 0;

/** Everything has been checked, and nothing is to be done. */
const isDryRun = ({ body }: SubresourceRequest): boolean => {
  const { dryRun } = (body ?? {}) as { dryRun?: unknown };
  return Array.isArray(dryRun) && dryRun.includes('All');
};

/** Changes the field that the machine says it with. */
function setStrategy({ context }: ActionParts, vm: VirtualMachine, strategy: RunStrategy): void {
  context().resources.change(virtualMachines, vm.metadata.namespace, vm.metadata.name ?? '', (draft) => {
    if (draft.spec.running !== undefined) draft.spec.running = strategy === 'Always';
    else draft.spec.runStrategy = strategy;
  });
}

type Requests = NonNullable<NonNullable<VirtualMachine['status']>['stateChangeRequests']>;

function ask({ context }: ActionParts, vm: VirtualMachine, requests: Requests): void {
  context().resources.changeStatus(virtualMachines, vm.metadata.namespace, vm.metadata.name ?? '', (draft) => {
    const status = (draft.status ??= {});
    status.stateChangeRequests = requests;
    // A person who asks does not wait for the pause after a failure.
    delete status.startFailure;
  });
}

function grant({ context }: ActionParts, vmi: VirtualMachineInstance, seconds: number): void {
  context().resources.change(virtualMachineInstances, vmi.metadata.namespace, vmi.metadata.name ?? '', (draft) => {
    draft.spec.terminationGracePeriodSeconds = seconds;
  });
}

/** KubeVirt's actions on machines and instances, with its codes and words (pkg/virt-api/rest/lifecycle.go). */
import type { StateChangeRequest, VirtualMachine, VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { isEnabled } from '#shared/kube/firmware.ts';
import { findCondition, runStrategyOf } from '#shared/kube/machine-status.ts';
import { ApiError, badRequest, conflict, notFound } from '../../api/errors.ts';
import type { SubresourceRequest, SubresourceResponse, SubresourceRoute } from '../../api/definition.ts';
import type { EngineContext } from '../../context.ts';
import type { Guest } from '../../qemu/types.ts';
import { memoryBytes } from '../../qemu/argv/argv.ts';
import { QmpError } from '../../qemu/qmp.ts';
import { isFinal } from '../controllers/instance-status.ts';
import { virtualMachineInstances } from '../definitions/virtual-machine-instance.ts';
import { virtualMachines } from '../definitions/virtual-machine.ts';
import { setRunStrategy } from '../controllers/run-strategy.ts';
import type { Guests } from '../guests.ts';
import { isDryRun, readOptions, type ActionOptions } from './options.ts';

export const subresourceGroup = { group: 'subresources.kubevirt.io', versions: ['v1', 'v1alpha3'] };

export interface ActionParts {
  context: () => EngineContext;
  guests: Guests;
}

/** What is asked for is begun at once, and answered when the disk has it. */
const soon = { soon: true } as const;
const accepted: SubresourceResponse = { status: 202 };
const done: SubresourceResponse = { status: 200 };

export function powerRoutes(parts: ActionParts): SubresourceRoute[] {
  const onMachine = (
    subresource: string,
    fields: readonly string[],
    handle: (request: SubresourceRequest, options: ActionOptions) => SubresourceResponse,
  ): SubresourceRoute => ({
    ...subresourceGroup,
    resource: 'virtualmachines',
    subresource,
    method: 'PUT',
    // The guest is on its way while the disk takes it down.
    handle: async (request) => {
      const answer = handle(request, readOptions(request, fields));
      await parts.context().resources.flushed();
      return answer;
    },
  });
  const onGuest = (
    subresource: string,
    fields: readonly string[],
    act: (guest: Guest, vmi: VirtualMachineInstance, dry: boolean) => Promise<void>,
  ): SubresourceRoute => ({
    ...subresourceGroup,
    resource: 'virtualmachineinstances',
    subresource,
    method: 'PUT',
    handle: async (request) => {
      const options = readOptions(request, fields);
      const vmi = findInstance(parts, request.namespace, request.name);
      const guest = parts.guests.get(vmi.metadata.uid);
      if (!guest || vmi.status?.phase !== 'Running') throw conflict(virtualMachineInstances, request.name, 'VM is not running');
      await act(guest, vmi, isDryRun(options)).catch((error: unknown) => {
        if (!(error instanceof QmpError) || error.class !== 'ConnectionLost') throw error;
        if (parts.guests.get(guest.uid) !== guest) throw conflict(virtualMachineInstances, request.name, 'VM is not running');
        throw new ApiError(503, 'ServiceUnavailable', 'QEMU does not answer. Try again, or stop the machine with a grace period of 0.');
      });
      parts.guests.onChange(guest.uid);
      return done;
    },
  });
  const isPaused = (vmi: VirtualMachineInstance): boolean => findCondition(vmi.status?.conditions, 'Paused')?.status === 'True';
  const refuse = (vmi: VirtualMachineInstance, why: string): ApiError => conflict(virtualMachineInstances, vmi.metadata.name ?? '', why);
  return [
    onMachine('start', ['paused', 'dryRun'], (request, options) => start(parts, request, options)),
    onMachine('stop', ['gracePeriod', 'dryRun'], (request, options) => stop(parts, request, options)),
    onMachine('restart', ['gracePeriodSeconds', 'dryRun'], (request, options) => restart(parts, request, options)),
    onGuest('pause', ['dryRun'], async (guest, vmi, dry) => {
      if (isPaused(vmi)) throw refuse(vmi, 'VMI is already paused');
      if (!dry) await guest.pause();
    }),
    onGuest('unpause', ['dryRun'], async (guest, vmi, dry) => {
      if (!isPaused(vmi)) throw refuse(vmi, 'VMI is not paused');
      if (!dry) await guest.resume();
    }),
    onGuest('reset', [], async (guest, vmi) => {
      await guest.reset();
      parts.context().events.record(vmi, 'Normal', 'Reset', 'The machine was reset.');
    }),
    onGuest('softreboot', [], async (guest, vmi) => {
      if (isPaused(vmi)) throw refuse(vmi, 'VMI is paused');
      const { acpi } = vmi.spec.domain.features ?? {};
      if (!guest.agent.connected && acpi && !isEnabled(acpi)) {
        throw refuse(vmi, 'VMI neither have the agent connected nor the ACPI feature enabled');
      }
      parts.context().events.record(vmi, 'Normal', 'SoftReboot', 'The guest was asked to reboot.');
      await guest.reboot((vmi.spec.terminationGracePeriodSeconds ?? 0) * 1000);
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

function start(parts: ActionParts, request: SubresourceRequest, options: ActionOptions): SubresourceResponse {
  const { vm, vmi } = find(parts, request);
  const refuse = (why: string): ApiError => conflict(virtualMachines, request.name, why);
  const phase = vmi?.status?.phase;
  if (isLive(vmi) && phase !== undefined && phase !== '' && phase !== 'Unknown') throw refuse('VM is already running');
  const strategy = runStrategyOf(vm);
  if (strategy === 'Always' || strategy === 'Once') throw refuse(`${strategy} does not support manual start requests`);
  const paused = options.paused === true;
  const asked: StateChangeRequest = paused ? { action: 'Start', data: { paused: 'true' } } : { action: 'Start' };
  if (strategy === 'Halted') {
    // The request says that it begins paused; the strategy follows when it is seen to.
    if (paused) ask(parts, vm, [asked], options);
    else if (!isDryRun(options)) setRunStrategy(parts.context().resources, vm, 'Always', soon);
    return acceptedWith(parts, vm);
  }
  if (strategy === 'RerunOnFailure' && phase === 'Failed') throw refuse(`${strategy} does not support starting VM from failed state`);
  const makesWay: StateChangeRequest[] = vmi && isFinal(vmi) ? [{ action: 'Stop', uid: vmi.metadata.uid ?? '' }] : [];
  ask(parts, vm, [...makesWay, asked], options);
  return acceptedWith(parts, vm);
}

/** Of a machine whose type gives it its memory, an event tells once it has it. */
function acceptedWith({ guests }: ActionParts, vm: VirtualMachine): SubresourceResponse {
  const warning = guests.memoryWarning(memoryBytes(vm.spec.template.spec.domain));
  return warning === undefined ? accepted : { ...accepted, warnings: [warning] };
}

function stop(parts: ActionParts, request: SubresourceRequest, options: ActionOptions): SubresourceResponse {
  const { vm, vmi } = find(parts, request);
  const refuse = (why: string): ApiError => conflict(virtualMachines, request.name, why);
  const { gracePeriod } = options;
  const strategy = runStrategyOf(vm);
  const stopsByStrategy = strategy === 'Always' || strategy === 'Once';
  if (!isLive(vmi) && !stopsByStrategy) throw refuse('VM is not running');
  const granted = vmi?.spec.terminationGracePeriodSeconds ?? 0;
  if (strategy === 'Halted' && !(gracePeriod !== undefined && gracePeriod < granted)) {
    throw refuse('Halted only supports manual stop requests with a shorter graceperiod');
  }
  if (isLive(vmi) && gracePeriod !== undefined && !isDryRun(options)) grant(parts, vmi, gracePeriod);
  if (!stopsByStrategy) ask(parts, vm, [{ action: 'Stop', uid: vmi?.metadata.uid ?? '' }], options);
  else if (!isDryRun(options)) setRunStrategy(parts.context().resources, vm, 'Halted', soon);
  return accepted;
}

function restart(parts: ActionParts, request: SubresourceRequest, options: ActionOptions): SubresourceResponse {
  const { gracePeriodSeconds } = options;
  if (gracePeriodSeconds !== undefined && gracePeriodSeconds !== 0) {
    throw badRequest(
      gracePeriodSeconds > 0
        ? 'For force restart, only gracePeriod=0 is supported for now'
        : 'gracePeriod has to be greater or equal to 0',
    );
  }
  const { vm, vmi } = find(parts, request);
  const strategy = runStrategyOf(vm);
  if (strategy === 'Halted' || strategy === 'Once') {
    throw conflict(virtualMachines, request.name, `RunStategy ${strategy} does not support manual restart requests`);
  }
  if (!vmi) throw conflict(virtualMachines, request.name, 'VM is not running');
  ask(parts, vm, [{ action: 'Stop', uid: vmi.metadata.uid ?? '' }, { action: 'Start' }], options);
  if (gracePeriodSeconds === 0 && !isDryRun(options)) grant(parts, vmi, 0);
  return accepted;
}

/**
 * Leaves requests for the controller. KubeVirt's rule: a lone stop replaces whatever waits, all else waits for nothing.
 */
function ask({ context }: ActionParts, vm: VirtualMachine, requests: StateChangeRequest[], options: ActionOptions): void {
  const waiting = vm.status?.stateChangeRequests ?? [];
  const isStop = requests.length === 1 && requests[0]?.action === 'Stop';
  if (waiting.length > 0 && !isStop) {
    throw new ApiError(500, 'InternalError', 'unable to complete request: stop/start already underway');
  }
  if (isDryRun(options)) return;
  const edit = (draft: VirtualMachine): void => {
    const status = (draft.status ??= {});
    status.stateChangeRequests = requests;
    // A person who asks does not wait for the pause after a failure.
    delete status.startFailure;
  };
  context().resources.changeStatus(virtualMachines, vm.metadata.namespace, vm.metadata.name ?? '', edit, soon);
}

function grant({ context }: ActionParts, vmi: VirtualMachineInstance, seconds: number): void {
  context().resources.change(virtualMachineInstances, vmi.metadata.namespace, vmi.metadata.name ?? '', (draft) => {
    draft.spec.terminationGracePeriodSeconds = seconds;
  });
}

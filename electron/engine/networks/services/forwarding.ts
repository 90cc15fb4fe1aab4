/** Brings QEMU's forwards in line with the Services, and tells the Services what came of it. */
import { asHayloftError } from '#shared/contract/hayloft-error.ts';
import type { VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import type { EngineContext } from '../../context.ts';
import type { Guests } from '../../machines/guests.ts';
import { virtualMachineInstances } from '../../machines/definitions/virtual-machine-instance.ts';
import { services, type Service } from '../definitions/service.ts';
import { netdevOf, podInterface } from '../pod-network.ts';
import { addForward, forwardsOf, removeForward, type Forward } from '../user-network/forwards.ts';
import type { PassingForwards } from '../port-forward/passing-forwards.ts';
import { serviceStatus } from './service-status.ts';
import { planServices, type ServicePlan, type WantedForward } from './wanted-forwards.ts';

export interface ForwardingParts {
  context: EngineContext;
  guests: Guests;
  /** Forwards that somebody's connection needs for a moment: not ours to remove. */
  passing: PassingForwards;
  usualAddress: string;
}

const idOf = ({ protocol, address, hostPort, guestPort }: Forward): string => `${protocol} ${address}:${hostPort} ${guestPort}`;

export class Forwarding {
  readonly #parts: ForwardingParts;
  /** What each guest's QEMU has, as it told when it was first met and as it was changed since. */
  readonly #open = new Map<string, WantedForward[]>();

  constructor(parts: ForwardingParts) {
    this.#parts = parts;
  }

  /** One pass over everything. @returns whether something could not be opened and may be tried again */
  async sync(): Promise<boolean> {
    const { resources } = this.#parts.context;
    const vmis = resources.list(virtualMachineInstances);
    const plans = planServices(resources.list(services), vmis, this.#parts.usualAddress);
    await this.#meet(vmis);
    const wanted = new Map<string, Set<string>>();
    for (const { backend, forwards } of plans) {
      const uid = backend?.metadata.uid ?? '';
      wanted.set(uid, new Set([...(wanted.get(uid) ?? []), ...forwards.map(idOf)]));
    }
    // First all that goes: a port may have moved to another guest.
    for (const uid of this.#open.keys()) await this.#close(uid, wanted.get(uid) ?? new Set());
    let failed = false;
    for (const plan of plans) failed = (await this.#realize(plan)) || failed;
    return failed;
  }

  /** Forgets guests that are gone, and asks new ones what they have. */
  async #meet(vmis: readonly VirtualMachineInstance[]): Promise<void> {
    const { guests, passing, context } = this.#parts;
    for (const uid of this.#open.keys()) if (!guests.get(uid)) this.#open.delete(uid);
    for (const vmi of vmis) {
      const uid = vmi.metadata.uid ?? '';
      const guest = guests.get(uid);
      const item = podInterface(vmi);
      if (!guest || !item || this.#open.has(uid)) continue;
      const netdev = netdevOf(item.name);
      try {
        const found = await forwardsOf(guest.monitor, netdev);
        const kept = found.filter((forward) => !passing.has(uid, forward.hostPort));
        this.#open.set(uid, kept.map((forward) => ({ ...forward, netdev })));
      } catch (error) {
        // It ended, or does not answer: it is met again with the next change.
        context.log.warn('A machine does not tell its port forwards', { uid, error: String(error) });
      }
    }
  }

  async #close(uid: string, wanted: ReadonlySet<string>): Promise<void> {
    const guest = this.#parts.guests.get(uid);
    const open = this.#open.get(uid) ?? [];
    const superfluous = open.filter((forward) => !wanted.has(idOf(forward)));
    if (superfluous.length === 0 || !guest) return;
    try {
      for (const forward of superfluous) await removeForward(guest.monitor, forward.netdev, forward);
      this.#open.set(uid, open.filter((forward) => wanted.has(idOf(forward))));
    } catch (error) {
      this.#open.delete(uid);
      throw error;
    }
  }

  async #realize(plan: ServicePlan): Promise<boolean> {
    const { guests } = this.#parts;
    const uid = plan.backend?.metadata.uid ?? '';
    const guest = guests.get(uid);
    const failures: string[] = [];
    let retryable = false;
    for (const forward of plan.forwards) {
      const open = this.#open.get(uid);
      if (open?.some((other) => idOf(other) === idOf(forward)) === true) continue;
      try {
        if (!guest || !open) throw new Error('The machine does not answer.');
        await addForward(guest.monitor, forward.netdev, forward);
        open.push(forward);
      } catch (error) {
        const { message, hint } = asHayloftError(error);
        failures.push(hint === undefined ? message : `${message} ${hint}`);
        retryable = true;
      }
    }
    this.#tell(plan, failures);
    return retryable;
  }

  #tell(plan: ServicePlan, failures: readonly string[]): void {
    const { context } = this.#parts;
    const { namespace, name = '', uid } = plan.service.metadata;
    const before = plan.service.status;
    const next = serviceStatus(plan, failures, new Date().toISOString());
    context.resources.changeStatus<Service>(services, namespace, name, (draft) => {
      if (draft.metadata.uid === uid) draft.status = next;
    });
    const [told, now] = [before?.conditions?.[0], next.conditions?.[0]];
    if (now?.message === told?.message) return;
    if (now?.status === 'True') context.events.record(plan.service, 'Normal', 'Forwarded', now.message ?? '');
    else if (now !== undefined && now.reason !== 'NoReadyMachine') context.events.record(plan.service, 'Warning', now.reason ?? '', now.message ?? '');
  }
}

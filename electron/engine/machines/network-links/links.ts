/** Cables of a machine's network cards that are pulled and plugged while it runs (`interfaces[].state`). */
import type { Interface, VirtualMachineInstance, VirtualMachineInstanceSpec } from '#shared/kube/kubevirt.ts';
import { cardId } from '../../qemu/argv/networks.ts';
import type { Guest } from '../../qemu/types.ts';

export type LinkState = 'up' | 'down';

export const linkStateOf = ({ state }: Interface): LinkState => (state === 'down' ? 'down' : 'up');

/** QEMU takes the state of a link and does not tell it: what this engine has set is known, and before that what the status tells. */
export class LinkKeeper {
  readonly #set = new WeakMap<Guest, Map<string, LinkState>>();

  /** Sets what is not yet as the instance says. Nothing to wait for where all links are up, as most are. */
  async sync(guest: Guest, { spec, status }: VirtualMachineInstance): Promise<void> {
    const known = this.#set.get(guest);
    for (const item of spec.domain.devices.interfaces ?? []) {
      const wanted = linkStateOf(item);
      const told = status?.interfaces?.find(({ name }) => name === item.name)?.linkState;
      // An engine that ended in between may have told that it is down before it was.
      const is = known?.get(item.name) ?? (wanted === 'up' && told !== 'down' ? 'up' : undefined);
      if (is === wanted) continue;
      await guest.monitor.command('set_link', { name: cardId(item.name), up: wanted === 'up' });
      this.#set.set(guest, (this.#set.get(guest) ?? new Map<string, LinkState>()).set(item.name, wanted));
    }
  }
}

/** The spec without the states of its links, which need no restart. */
export function withoutLinkStates(interfaces: readonly Interface[] | undefined): readonly Interface[] | undefined {
  if (!interfaces?.some(({ state }) => state !== undefined)) return interfaces;
  return interfaces.map((item) => {
    const rest = { ...item };
    delete rest.state;
    return rest;
  });
}

/** @returns the running instance's spec with the links of the template; undefined where they are the same */
export function declaredLinks(template: VirtualMachineInstanceSpec, spec: VirtualMachineInstanceSpec): VirtualMachineInstanceSpec | undefined {
  const interfaces = spec.domain.devices.interfaces ?? [];
  const next = interfaces.map((item) => {
    const wanted = template.domain.devices.interfaces?.find(({ name }) => name === item.name);
    if (!wanted || wanted.state === item.state) return item;
    const rest = { ...item };
    delete rest.state;
    return wanted.state === undefined ? rest : { ...rest, state: wanted.state };
  });
  return next.some((item, index) => item !== interfaces[index]) ? { ...spec, domain: { ...spec.domain, devices: { ...spec.domain.devices, interfaces: next } } } : undefined;
}

/** The guests that run now, and how those that ended came to their end. */
import { isDeepStrictEqual } from 'node:util';
import { AccessKeeper } from './access-credentials/keeper.ts';
import { AgentFactsKeeper } from './agent/facts.ts';
import { Freezes } from './agent/freezes.ts';
import { LinkKeeper } from './network-links/links.ts';
import type { Guest, GuestExit, GuestState, Hypervisor } from '../qemu/types.ts';

export class Guests {
  readonly hypervisor: Hypervisor;
  /** The host goes down: nothing is started, and what ends begins again. */
  atRest = false;
  readonly #running = new Map<string, Guest>();
  /** What the agents inside them say. */
  readonly agents = new AgentFactsKeeper((uid) => this.onChange(uid));
  /** The keys and passwords that these agents give their guests. */
  readonly access = new AccessKeeper((uid) => this.onChange(uid));
  readonly links = new LinkKeeper();
  readonly freezes = new Freezes((uid) => this.onChange(uid));
  readonly #exits = new Map<string, GuestExit>();
  /** Told of everything that happens to a guest, by its VMI's uid. */
  onChange: (uid: string) => void = () => undefined;
  /** Told of each guest from when it is held. */
  onHold: (guest: Guest) => void = () => undefined;
  /** What to say to whoever starts a machine with so many bytes of memory; undefined when there is nothing to warn of. */
  memoryWarning: (bytes: number) => string | undefined = () => undefined;
  /** Told when a guest begins anew by itself. */
  onReboot: (uid: string) => void = () => undefined;
  /** Told when a guest's process is gone. */
  onEnd: (uid: string) => void = () => undefined;

  constructor(hypervisor: Hypervisor) {
    this.hypervisor = hypervisor;
  }

  get(uid: string | undefined): Guest | undefined {
    return uid === undefined ? undefined : this.#running.get(uid);
  }

  /** How a guest ended, while anybody may still ask. */
  exit(uid: string): GuestExit | undefined {
    return this.#exits.get(uid);
  }

  hold(guest: Guest): void {
    this.#running.set(guest.uid, guest);
    guest.onChange(() => this.onChange(guest.uid));
    this.agents.follow(guest);
    guest.agent.onChange(() => {
      if (guest.agent.connected) void this.freezes.check(guest);
    });
    guest.monitor.onEvent(({ event, data }) => {
      if (event === 'RESET' && data['guest'] === true) this.onReboot(guest.uid);
    });
    this.onHold(guest);
    void guest.ended.then((exit) => {
      this.#running.delete(guest.uid);
      this.#exits.set(guest.uid, exit);
      this.freezes.ended(guest.uid);
      this.onEnd(guest.uid);
      this.onChange(guest.uid);
    });
  }

  /** Nobody will ask how it ended any more. */
  forget(uid: string): void {
    this.#exits.delete(uid);
  }

  all(): Guest[] {
    return [...this.#running.values()];
  }
}

/** The guest's state; a guest that ends while it is asked has none. */
export async function stateOf(guest: Guest): Promise<GuestState | undefined> {
  try {
    return await guest.state();
  } catch {
    return undefined;
  }
}

/** Puts a condition into a list, keeping its time when nothing about it changed. Undefined removes it. */
export function setCondition<C extends { type: string; status: string; reason?: string; message?: string; lastTransitionTime?: string }>(
  list: C[],
  type: string,
  next: Omit<C, 'type' | 'lastTransitionTime'> | undefined,
  now: string,
): C[] {
  const old = list.find((condition) => condition.type === type);
  const others = list.filter((condition) => condition.type !== type);
  if (!next) return others;
  const same = old && isDeepStrictEqual({ ...next, type, lastTransitionTime: old.lastTransitionTime }, old);
  if (same) return list;
  const lastTransitionTime = old?.status === next.status ? (old.lastTransitionTime ?? now) : now;
  return [...others, { ...next, type, lastTransitionTime } as unknown as C];
}

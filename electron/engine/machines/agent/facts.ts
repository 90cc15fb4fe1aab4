/** What the agents in the running guests last said, asked slowly and only while they are connected. */
import { isDeepStrictEqual } from 'node:util';
import type { Guest } from '../../qemu/types.ts';
import { askInterfaces, askSystem, type GuestInterface } from './questions.ts';

/** Addresses change rarely; what the system is, hardly ever (KubeVirt asks as seldom). */
const addressesMs = 20_000;
const systemMs = 120_000;
/** The agent often comes up before the network does: for a while it is asked more often. */
const soonMs = 3000;
const soonTries = 20;

export interface AgentFacts {
  system: Record<string, string>;
  interfaces: readonly GuestInterface[];
}

export class AgentFactsKeeper {
  readonly #facts = new Map<string, AgentFacts>();
  readonly #stops = new Map<string, () => void>();
  readonly #onChange: (uid: string) => void;

  /** @param onChange told when what is known of a guest changes, by its uid */
  constructor(onChange: (uid: string) => void) {
    this.#onChange = onChange;
  }

  /** Undefined while the guest's agent is not connected. */
  get(uid: string): AgentFacts | undefined {
    return this.#facts.get(uid);
  }

  /** From now on, until the guest ends. */
  follow(guest: Guest): void {
    const connected = (): void => {
      this.#stops.get(guest.uid)?.();
      if (guest.agent.connected) {
        this.#set(guest.uid, { system: {}, interfaces: [] });
        this.#stops.set(guest.uid, this.#askOnAndOn(guest));
      } else this.#forget(guest.uid);
    };
    guest.agent.onChange(connected);
    if (guest.agent.connected) connected();
    void guest.ended.then(() => this.#forget(guest.uid));
  }

  stop(): void {
    for (const stop of this.#stops.values()) stop();
    this.#stops.clear();
  }

  #forget(uid: string): void {
    this.#stops.get(uid)?.();
    this.#stops.delete(uid);
    if (this.#facts.delete(uid)) this.#onChange(uid);
  }

  #set(uid: string, facts: AgentFacts): void {
    const known = this.#facts.get(uid);
    this.#facts.set(uid, facts);
    if (!isDeepStrictEqual(known, facts)) this.#onChange(uid);
  }

  #askOnAndOn({ uid, agent }: Guest): () => void {
    let timer: NodeJS.Timeout | undefined;
    let stopped = false;
    let systemAt = -Infinity;
    let tries = 0;
    const ask = async (): Promise<void> => {
      const now = performance.now();
      const old = this.#facts.get(uid) ?? { system: {}, interfaces: [] };
      // An agent that does not know a command, or is busy with a frozen disk, leaves what was known as it was.
      const interfaces = await askInterfaces(agent).catch(() => old.interfaces);
      const system = now - systemAt < systemMs ? old.system : await askSystem(agent).catch(() => old.system);
      if (stopped) return;
      if (system !== old.system) systemAt = now;
      this.#set(uid, { system, interfaces });
      const complete = interfaces.some(({ addresses }) => addresses.some((address) => !address.startsWith('fe80:')));
      tries += 1;
      timer = setTimeout(() => void ask(), complete || tries > soonTries ? addressesMs : soonMs).unref();
    };
    void ask();
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }
}

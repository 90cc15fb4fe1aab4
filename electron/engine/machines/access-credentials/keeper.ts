/** Keeps the access that guests have through their agents in line with the Secrets, without anybody waiting for it. */
import { createHash } from 'node:crypto';
import type { Secret } from '#shared/kube/core.ts';
import type { VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import type { Guest } from '../../qemu/types.ts';
import { giveAccess } from './give.ts';
import { wantedAccess } from './wanted.ts';

/** KubeVirt's: how soon a failure is tried again, and how soon what somebody changed in the guest is set right. */
const failedMs = 15_000;
const againMs = 300_000;

export interface AccessState {
  /** Why the guest does not have what it should; absent when it does. */
  problem?: string;
  /** When to look again, whatever happens. */
  lookAgainMs?: number;
}

/** What was last asked of a guest's agent. */
interface Asked {
  /** A digest: passwords are not kept. */
  digest: string;
  /** When it was answered, as `performance.now()`. */
  answeredAt?: number;
  problem?: string | undefined;
}

export class AccessKeeper {
  readonly #asked = new WeakMap<Guest, Asked>();
  readonly #onChange: (uid: string) => void;

  /** @param onChange told when a guest's agent has answered, by the guest's uid */
  constructor(onChange: (uid: string) => void) {
    this.#onChange = onChange;
  }

  /**
   * Begins what is to be done, if anything is.
   * @returns how it stands now; undefined while the agent works on it for the first time
   */
  look(guest: Guest, vmi: VirtualMachineInstance, secretOf: (name: string) => Secret | undefined): AccessState | undefined {
    if (!guest.agent.connected) {
      // One that comes back may belong to another system on the same disk.
      this.#asked.delete(guest);
      return { problem: 'Guest agent is offline' };
    }
    const wanted = wantedAccess(vmi, secretOf);
    const digest = createHash('sha256').update(JSON.stringify(wanted)).digest('hex');
    const before = this.#asked.get(guest);
    const leftMs = before?.digest === digest ? restOf(before) : 0;
    if (leftMs <= 0) {
      const asked: Asked = { digest };
      this.#asked.set(guest, asked);
      void giveAccess(guest.agent, wanted).then((problem) => {
        if (this.#asked.get(guest) !== asked) return;
        Object.assign(asked, { problem, answeredAt: performance.now() });
        this.#onChange(guest.uid);
      });
    }
    if (before?.answeredAt === undefined) return undefined;
    return {
      ...(before.problem === undefined ? {} : { problem: before.problem }),
      // The answer of one that was begun just now comes by itself.
      ...(leftMs > 0 && leftMs < Infinity ? { lookAgainMs: leftMs } : {}),
    };
  }
}

/** How long what was asked holds good. While there is no answer yet, one is waited for. */
const restOf = ({ answeredAt, problem }: Asked): number =>
  answeredAt === undefined ? Infinity : answeredAt + (problem === undefined ? againMs : failedMs) - performance.now();

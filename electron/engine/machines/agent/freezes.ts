/**
 * File systems that are held still by the agent in their guest, so that what is taken of the disks meanwhile is whole.
 * A guest whose file systems stay frozen hangs: until when it may be so lies as a note in its own folder before it is
 * asked, and whoever finds the note later sees to it.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Guest } from '../../qemu/types.ts';

/** The guest writes everything down first, which takes as long as it has much in mind. */
const freezeMs = 20_000;
const thawMs = 10_000;
/** An agent that could not thaw is asked again. */
const againMs = 2000;
/** Node's timers know no longer time. */
const longestTimerMs = 2 ** 31 - 1;

export class Freezes {
  readonly #frozen = new Set<string>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #onChange: (uid: string) => void;

  /** @param onChange told when a guest's file systems are frozen, or are so no more, by its uid */
  constructor(onChange: (uid: string) => void) {
    this.#onChange = onChange;
  }

  isFrozen(uid: string | undefined): boolean {
    return uid !== undefined && this.#frozen.has(uid);
  }

  /**
   * Has the guest write down what it has in mind, and wait. Whatever part of it was done when it fails is undone.
   * @param untilMs when it is thawed at the latest, in milliseconds since 1970; Infinity: whoever asks sees to it
   * @throws AgentError
   */
  async freeze(guest: Guest, untilMs: number): Promise<void> {
    writeFileSync(notePath(guest), String(untilMs), { mode: 0o600 });
    try {
      await guest.agent.command('guest-fsfreeze-freeze', undefined, freezeMs);
    } catch (error) {
      await this.thaw(guest).catch(() => undefined);
      throw error;
    }
    this.#frozen.add(guest.uid);
    this.#onChange(guest.uid);
    this.#thawAt(guest, untilMs);
  }

  /**
   * Lets the guest write again. When it fails it is tried again until it succeeds, or the guest ends.
   * @throws AgentError
   */
  async thaw(guest: Guest): Promise<void> {
    try {
      await guest.agent.command('guest-fsfreeze-thaw', undefined, thawMs);
    } catch (error) {
      if (await this.#isThawed(guest)) this.#forget(guest);
      else this.#thawAt(guest, Date.now() + againMs);
      throw error;
    }
    this.#forget(guest);
  }

  /** Sees to a guest that an earlier engine left, whose file systems may be frozen. */
  takeOver(guest: Guest): void {
    const untilMs = readNote(guest);
    if (untilMs === undefined) return;
    this.#frozen.add(guest.uid);
    this.#thawAt(guest, untilMs);
  }

  /** Looks again when an agent comes: after a reset of its guest nothing is frozen. */
  async check(guest: Guest): Promise<void> {
    if (this.#frozen.has(guest.uid) && (await this.#isThawed(guest))) this.#forget(guest);
  }

  ended(uid: string): void {
    clearTimeout(this.#timers.get(uid));
    this.#timers.delete(uid);
    this.#frozen.delete(uid);
  }

  /** Guests stay as they are: the next engine finds the notes. */
  stop(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  #thawAt(guest: Guest, untilMs: number): void {
    clearTimeout(this.#timers.get(guest.uid));
    if (untilMs === Infinity) return;
    const wait = Math.min(longestTimerMs, Math.max(0, untilMs - Date.now()));
    const timer = setTimeout(() => {
      this.#timers.delete(guest.uid);
      // A guest that has ended needs nothing; else it is tried again by `thaw` itself.
      if (readNote(guest) !== undefined) this.thaw(guest).catch(() => undefined);
      else this.#drop(guest.uid);
    }, wait);
    this.#timers.set(guest.uid, timer.unref());
  }

  /** An agent that holds nothing frozen (its guest was reset, say) may refuse to thaw. */
  async #isThawed({ agent }: Guest): Promise<boolean> {
    return (await agent.command('guest-fsfreeze-status').catch(() => undefined)) === 'thawed';
  }

  #forget(guest: Guest): void {
    rmSync(notePath(guest), { force: true });
    this.#drop(guest.uid);
  }

  #drop(uid: string): void {
    const was = this.#frozen.has(uid);
    this.ended(uid);
    if (was) this.#onChange(uid);
  }
}

const notePath = ({ folder }: Guest): string => join(folder, 'frozen-until');

/** @returns undefined where nobody has frozen anything, and when the guest is gone */
function readNote(guest: Guest): number | undefined {
  try {
    const untilMs = Number(readFileSync(notePath(guest), 'utf8'));
    // A note that was cut off says that it was about to be frozen.
    return Number.isNaN(untilMs) ? 0 : untilMs;
  } catch {
    return undefined;
  }
}

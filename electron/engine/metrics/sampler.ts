/**
 * Looks at every running guest and at this computer, every ten seconds while a guest runs or somebody watches, once a minute
 * otherwise.
 */
import type { VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import type { Log } from '../context.ts';
import { keeperOf } from '../qemu/firmware/kept-state.ts';
import { memoryBytes } from '../qemu/argv/argv.ts';
import type { Guest } from '../qemu/types.ts';
import { COARSE_MS, FINE_MS } from './history/history.ts';
import type { Histories } from './history/histories.ts';
import { beginning, machineRow, machineSeries, nodeRow, nodeSeries } from './rates.ts';
import { askForMemory, readGuest, type GuestFigures } from './reading/guest.ts';
import { readHostFigures, type HostFigures } from './reading/host.ts';

export const NODE_HISTORY = 'node';
/** For so long somebody who asked counts as watching. */
const watchedMs = 60_000;
const saveEveryMs = 10 * 60_000;
/** A rate over less than this says little: processor time is counted in hundredths of a second. */
const leastWindowMs = 1000;
/** Into the step that has just begun, so that a timer that rings early does not write into the one before. */
const insideMs = 50;

/** The last look at something. */
export interface Sample {
  /** When, in milliseconds since 1970, and over how long its rates are. */
  timeMs: number;
  windowMs: number;
  /** By series, see rates.ts. */
  row: readonly number[];
}

export interface RunningMachine {
  guest: Guest;
  vmi: VirtualMachineInstance;
  sample: Sample | undefined;
}

interface Followed {
  guest: Guest;
  vmi: VirtualMachineInstance | undefined;
  before: GuestFigures | undefined;
  sample: Sample | undefined;
  asked: boolean;
}

export interface SamplerOptions {
  histories: Histories;
  /** The instances there are now. */
  instances(): VirtualMachineInstance[];
  log: Log;
}

export class Sampler {
  readonly #options: SamplerOptions;
  readonly #followed = new Map<string, Followed>();
  #before: HostFigures = readHostFigures();
  #host: HostFigures = this.#before;
  #node: Sample | undefined;
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> | undefined;
  #watchedUntil = 0;
  #savedAt = performance.now();
  #stopped = false;

  constructor(options: SamplerOptions) {
    this.#options = options;
    this.#arm();
  }

  /** @param begins whether it is started just now; one that was found has done something already that nobody saw */
  follow(guest: Guest, begins: boolean): void {
    const wasIdle = this.#followed.size === 0;
    this.#followed.set(guest.uid, { guest, vmi: undefined, before: begins ? beginning(performance.now()) : undefined, sample: undefined, asked: false });
    void guest.ended.then(() => this.#forget(guest));
    if (wasIdle) this.#arm();
  }

  /** The machines that run, with what was last seen of each. */
  machines(): RunningMachine[] {
    this.#findInstances();
    return [...this.#followed.values()].flatMap(({ guest, vmi, sample }) => (vmi ? [{ guest, vmi, sample }] : []));
  }

  /** Memory that the running guests were given, in bytes. */
  promisedBytes(): number {
    return this.machines().reduce((total, { vmi }) => total + memoryBytes(vmi.spec.domain), 0);
  }

  get node(): Sample | undefined {
    return this.#node;
  }

  get host(): HostFigures {
    return this.#host;
  }

  /** Somebody looks at the figures as they come: for a while they are taken closely. */
  watch(): void {
    const wasIdle = this.#stepMs() === COARSE_MS;
    this.#watchedUntil = performance.now() + watchedMs + FINE_MS;
    if (wasIdle) this.#arm();
  }

  /** Resolves when what was seen last is at most so old. */
  async fresh(oldestMs: number): Promise<void> {
    if (this.#node && Date.now() - this.#node.timeMs < oldestMs) return;
    const window = performance.now() - this.#before.at;
    if (window < leastWindowMs) await new Promise((resolve) => setTimeout(resolve, leastWindowMs - window));
    await this.#look();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#working;
    this.#options.histories.save();
  }

  #stepMs(): number {
    return this.#followed.size > 0 || performance.now() < this.#watchedUntil ? FINE_MS : COARSE_MS;
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    const step = this.#stepMs();
    const wait = step - ((Date.now() - insideMs) % step);
    this.#timer = setTimeout(() => void this.#look().finally(() => this.#arm()), wait).unref();
  }

  #look(): Promise<void> {
    this.#working ??= this.#lookNow()
      .catch((error: unknown) => this.#options.log.warn('Figures could not be read', { error: String(error) }))
      .finally(() => (this.#working = undefined));
    return this.#working;
  }

  async #lookNow(): Promise<void> {
    this.#findInstances();
    await Promise.all([...this.#followed.values()].map((followed) => this.#lookAt(followed)));
    const { histories } = this.#options;
    const before = this.#before;
    this.#host = readHostFigures();
    this.#before = this.#host;
    const timeMs = Date.now();
    this.#node = { timeMs, windowMs: this.#host.at - before.at, row: nodeRow(before, this.#host, this.promisedBytes()) };
    histories.add(NODE_HISTORY, nodeSeries, timeMs, this.#node.row);
    if (performance.now() - this.#savedAt < saveEveryMs) return;
    this.#savedAt = performance.now();
    histories.save();
  }

  async #lookAt(followed: Followed): Promise<void> {
    const { guest, vmi, before } = followed;
    if (!vmi) return;
    if (!followed.asked) {
      followed.asked = true;
      await askForMemory(guest, vmi);
    }
    const now = await readGuest(guest, vmi);
    // It ended while it was asked.
    if (this.#followed.get(guest.uid) !== followed) return;
    const row = machineRow(before, now);
    followed.before = now;
    followed.sample = { timeMs: Date.now(), windowMs: now.at - (before?.at ?? now.at), row };
    this.#options.histories.add(keeperOf(vmi), machineSeries, followed.sample.timeMs, row);
  }

  /** What an instance says of its guest does not change while it runs: each is looked up once. */
  #findInstances(): void {
    if ([...this.#followed.values()].every(({ vmi }) => vmi)) return;
    for (const vmi of this.#options.instances()) {
      const followed = this.#followed.get(vmi.metadata.uid ?? '');
      if (followed) followed.vmi ??= vmi;
    }
  }

  #forget({ uid }: Guest): void {
    const followed = this.#followed.get(uid);
    if (!followed) return;
    this.#followed.delete(uid);
    if (followed.vmi) this.#options.histories.close(keeperOf(followed.vmi));
  }
}

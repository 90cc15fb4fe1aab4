/** One running QEMU, held by its control socket: the same whether this engine started it or an earlier one did. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import { connectPooled } from '#shared/host/pooled-socket.ts';
import { AgentClient } from '../agent/agent.ts';
import { rebootByAgent } from '../agent/reboot.ts';
import type { GuestAgent } from '../agent/types.ts';
import type { GuestPaths } from '../argv/paths.ts';
import { QmpError, type QmpConnection } from '../qmp.ts';
import type { Guest, GuestExit, GuestState, Monitor } from '../types.ts';
import { GuestMonitor } from './guest-monitor.ts';
import { isAlive, lastWords } from './process.ts';
import type { GuestRecord } from './record.ts';
import { SerialHub } from './serial-hub.ts';

/** How long QEMU may take to write out what its disks still hold before it is killed. */
const quitMs = 3000;
const pollMs = 10;
/** QEMU closes its control socket a moment before its process is gone. */
const endingMs = 1000;
/** Between tries to reach a QEMU that does not answer. */
const reconnectMs = 500;
/** A QEMU that takes longer to say how it stands does not answer. */
const answerMs = 5000;

/** QMP's `RunState` (QEMU's qapi/run-state.json), in our words; all others are ways of getting started. */
const states: Record<string, GuestState> = {
  running: 'running',
  paused: 'paused',
  prelaunch: 'paused',
  inmigrate: 'incoming',
  postmigrate: 'paused',
  suspended: 'running',
  shutdown: 'shutdown',
  'io-error': 'io-error',
  'internal-error': 'internal-error',
  'guest-panicked': 'crashed',
};

/** QEMU's own words for what its guest did: a guest that shut down waits for us, see `-action` among its arguments. */
const guestShutdown: GuestExit = { clean: true, message: 'The guest shut down.' };
const turnedOff: GuestExit = { clean: true, message: 'The machine was turned off.' };

const changing = new Set(['STOP', 'RESUME', 'SHUTDOWN', 'RESET', 'GUEST_PANICKED', 'BLOCK_IO_ERROR', 'SUSPEND', 'WAKEUP', 'DEVICE_DELETED']);
export class QemuGuest implements Guest {
  readonly uid: string;
  readonly pid: number;
  readonly ended: Promise<GuestExit>;
  readonly #monitor: GuestMonitor;
  readonly #agent: AgentClient;
  readonly #paths: GuestPaths;
  readonly #record: GuestRecord;
  readonly #listeners = new Set<() => void>();
  #serial: SerialHub | undefined;
  #released = false;
  /** How its end is to be told, once that is known. */
  #exit: GuestExit | undefined;
  /** Until when a guest that shuts down is to begin anew. */
  #rebootUntil = 0;

  /** QEMU's answer to `query-status`, as long as nothing has changed since. */
  #status: unknown;

  /**
   * @param qmp undefined for a process that was found and does not answer yet
   * @param status what QEMU has just said to `query-status`, if it was asked
   */
  constructor(record: GuestRecord, paths: GuestPaths, qmp: QmpConnection | undefined, status?: unknown) {
    this.uid = record.uid;
    this.pid = record.pid;
    this.#record = record;
    this.#paths = paths;
    this.#status = status;
    this.#monitor = new GuestMonitor(paths.qmp, qmp);
    this.#monitor.onEvent(({ event, data }) => {
      this.#status = undefined;
      if (event === 'SHUTDOWN') this.#takeShutdown(String(data['reason']));
      if (changing.has(event)) this.#tell();
    });
    this.#agent = new AgentClient(paths.agent, this.#monitor);
    this.#agent.onChange(() => this.#tell());
    if (qmp) {
      this.#openSerial();
      this.#lookForAgent();
    }
    this.ended = this.#watch();
  }

  get folder(): string {
    return this.#paths.folder;
  }

  get monitor(): Monitor {
    return this.#monitor;
  }

  get agent(): GuestAgent {
    return this.#agent;
  }

  async state(): Promise<GuestState> {
    const known = this.#status;
    this.#status = undefined;
    const answer = (known ?? (await withLimit(this.#monitor.command('query-status')))) as { status: string };
    return states[answer.status] ?? 'starting';
  }

  async pause(): Promise<void> {
    await this.#qmp('stop');
  }

  async resume(): Promise<void> {
    await this.#qmp('cont');
  }

  async powerDown(): Promise<void> {
    // Who wants it off does not want it back.
    this.#rebootUntil = 0;
    await this.#qmp('system_powerdown');
  }

  async reboot(limitMs: number): Promise<void> {
    if (this.#agent.connected && (await rebootByAgent(this.#agent))) return;
    this.#rebootUntil = Date.now() + limitMs;
    await this.#qmp('system_powerdown');
  }

  async reset(): Promise<void> {
    await this.#qmp('system_reset');
  }

  async kill(how: GuestExit = turnedOff): Promise<void> {
    this.#exit ??= how;
    // Whether QEMU takes the command or not, the wait below decides.
    this.#monitor.command('quit').catch(() => undefined);
    const end = performance.now() + quitMs;
    while (this.#isAlive() && performance.now() < end) await pause(pollMs);
    if (this.#isAlive()) process.kill(this.pid, 'SIGKILL');
    await this.ended;
  }

  async screenshot(): Promise<Uint8Array> {
    const filename = join(this.#paths.folder, `screen-${process.hrtime.bigint()}.png`);
    try {
      await this.#qmp('screendump', { filename, format: 'png' });
      return await readFile(filename);
    } finally {
      await rm(filename, { force: true });
    }
  }

  get vncSocket(): string {
    return this.#paths.vnc;
  }

  vnc(): Promise<Duplex> {
    if (!this.#record.hasGraphics) {
      return Promise.reject(new HayloftError('no-graphics', 'This machine has no screen.'));
    }
    return new Promise((resolve, reject) => {
      const socket = connectPooled(this.#paths.vnc);
      socket.once('connect', () => resolve(socket));
      socket.once('error', reject);
    });
  }

  serial(): Promise<Duplex> {
    if (this.#serial) return Promise.resolve(this.#serial.view());
    return Promise.reject(new HayloftError('no-serial', 'This machine has no serial line.'));
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Lets go of the guest, which runs on. `ended` then stays open for good. */
  release(): void {
    this.#released = true;
    this.#serial?.close();
    this.#agent.close();
    this.#monitor.close();
  }

  #qmp(name: string, args?: Record<string, unknown>): Promise<unknown> {
    return this.#monitor.command(name, args);
  }

  #isAlive(): boolean {
    return isAlive(this.pid, this.#record.startedAt);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  #openSerial(): void {
    this.#serial = this.#record.hasSerial ? new SerialHub(this.#paths.serial) : undefined;
  }

  /** Whether it cannot be asked shows in other ways; QEMU tells of changes by itself. */
  #lookForAgent(): void {
    this.#agent.look().catch(() => undefined);
  }

  /** Stays in touch with the process until it is gone. */
  async #watch(): Promise<GuestExit> {
    while (this.#isAlive()) {
      if (!this.#monitor.connected) {
        if (!(await this.#monitor.connect())) await pause(reconnectMs);
        else await this.#foundAgain();
      } else {
        await this.#monitor.lost();
        const end = performance.now() + endingMs;
        while (!this.#released && this.#isAlive() && performance.now() < end) await pause(pollMs);
      }
      if (this.#released) return new Promise(() => undefined);
    }
    this.#serial?.close();
    this.#agent.close();
    const exit = this.#exit ?? (await this.#unexpected());
    await rm(this.#paths.folder, { recursive: true, force: true });
    this.#tell();
    return exit;
  }

  /** What QEMU told while nobody listened is gone; how it stands is asked. */
  async #foundAgain(): Promise<void> {
    this.#serial?.close();
    this.#openSerial();
    this.#lookForAgent();
    await this.settle();
    this.#tell();
  }

  /** Ends a guest that shut down while nobody listened. Called once it can be talked to. */
  async settle(): Promise<void> {
    const state = await this.state().catch(() => undefined);
    if (state === 'shutdown') this.#takeShutdown('guest-shutdown');
  }

  #takeShutdown(reason: string): void {
    if (reason !== 'guest-shutdown') {
      // Asked for by whoever set #exit; a signal to QEMU is nothing that anybody asked for here.
      if (reason === 'host-signal') this.#exit ??= { clean: false, message: 'QEMU was ended by a signal.' };
      return;
    }
    const again = Date.now() < this.#rebootUntil;
    this.#rebootUntil = 0;
    const next = again ? this.#beginAnew() : this.kill(guestShutdown);
    // Its end, or that it is lost, shows in other ways.
    next.catch(() => undefined);
  }

  async #beginAnew(): Promise<void> {
    await this.#qmp('system_reset');
    await this.#qmp('cont');
  }

  async #unexpected(): Promise<GuestExit> {
    const words = await lastWords(this.#paths.log);
    return { clean: false, message: `QEMU ended unexpectedly${words === undefined ? '.' : `: ${words}`}` };
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function withLimit<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new QmpError('ConnectionLost', 'QEMU does not answer.')), answerMs);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** One running QEMU, held by its control socket: the same whether this engine started it or an earlier one did. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import { connectPooled } from '#shared/host/pooled-socket.ts';
import type { GuestPaths } from '../argv/paths.ts';
import type { QmpConnection } from '../qmp.ts';
import type { Guest, GuestExit, GuestState, Monitor } from '../types.ts';
import { isAlive, lastWords } from './process.ts';
import type { GuestRecord } from './record.ts';
import { SerialHub } from './serial-hub.ts';

/** How long QEMU may take to write out what its disks still hold before it is killed. */
const quitMs = 3000;
const pollMs = 10;

/** QMP's `RunState` (QEMU's qapi/run-state.json), in our words; all others are ways of getting started. */
const states: Record<string, GuestState> = {
  running: 'running',
  paused: 'paused',
  prelaunch: 'paused',
  suspended: 'running',
  shutdown: 'shutdown',
  'io-error': 'io-error',
  'internal-error': 'internal-error',
  'guest-panicked': 'crashed',
};

const changing = new Set(['STOP', 'RESUME', 'SHUTDOWN', 'RESET', 'GUEST_PANICKED', 'BLOCK_IO_ERROR', 'SUSPEND', 'WAKEUP']);
/** Reasons of the SHUTDOWN event (`ShutdownCause`) that somebody wanted. */
const wanted = new Set(['guest-shutdown', 'host-qmp-quit', 'host-qmp-system-reset', 'host-signal', 'host-ui', 'guest-reset']);

export class QemuGuest implements Guest {
  readonly uid: string;
  readonly pid: number;
  readonly ended: Promise<GuestExit>;
  readonly #qmp: QmpConnection;
  readonly #paths: GuestPaths;
  readonly #record: GuestRecord;
  readonly #serial: SerialHub | undefined;
  readonly #listeners = new Set<() => void>();
  #released = false;
  #shutdownReason: string | undefined;

  constructor(record: GuestRecord, paths: GuestPaths, qmp: QmpConnection) {
    this.uid = record.uid;
    this.pid = record.pid;
    this.#record = record;
    this.#paths = paths;
    this.#qmp = qmp;
    this.#serial = record.hasSerial ? new SerialHub(paths.serial) : undefined;
    qmp.onEvent(({ event, data }) => {
      if (event === 'SHUTDOWN') this.#shutdownReason = String(data['reason']);
      if (changing.has(event)) for (const listener of this.#listeners) listener();
    });
    this.ended = this.#waitForEnd();
  }

  get monitor(): Monitor {
    return this.#qmp;
  }

  async state(): Promise<GuestState> {
    const { status } = (await this.#qmp.command('query-status')) as { status: string };
    return states[status] ?? 'starting';
  }

  async pause(): Promise<void> {
    await this.#qmp.command('stop');
  }

  async resume(): Promise<void> {
    await this.#qmp.command('cont');
  }

  async powerDown(): Promise<void> {
    await this.#qmp.command('system_powerdown');
  }

  async reset(): Promise<void> {
    await this.#qmp.command('system_reset');
  }

  async kill(): Promise<void> {
    this.#shutdownReason ??= 'host-qmp-quit';
    // Whether QEMU takes the command or not, the wait below decides.
    this.#qmp.command('quit').catch(() => undefined);
    const end = performance.now() + quitMs;
    while (isAlive(this.pid) && performance.now() < end) await pause(pollMs);
    if (isAlive(this.pid)) process.kill(this.pid, 'SIGKILL');
    await this.ended;
  }

  async screenshot(): Promise<Uint8Array> {
    const filename = join(this.#paths.folder, `screen-${process.hrtime.bigint()}.png`);
    try {
      await this.#qmp.command('screendump', { filename, format: 'png' });
      return await readFile(filename);
    } finally {
      await rm(filename, { force: true });
    }
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
    this.#qmp.close();
  }

  async #waitForEnd(): Promise<GuestExit> {
    await this.#qmp.closed;
    if (this.#released) return new Promise(() => undefined);
    while (isAlive(this.pid)) await pause(pollMs);
    this.#serial?.close();
    const exit = await this.#howItEnded();
    await rm(this.#paths.folder, { recursive: true, force: true });
    for (const listener of this.#listeners) listener();
    return exit;
  }

  async #howItEnded(): Promise<GuestExit> {
    const reason = this.#shutdownReason;
    if (reason === 'guest-shutdown') return { clean: true, message: 'The guest shut down.' };
    if (reason !== undefined && wanted.has(reason)) return { clean: true, message: 'The machine was turned off.' };
    if (reason === 'guest-panic') return { clean: false, message: 'The guest crashed (kernel panic).' };
    const words = await lastWords(this.#paths.log);
    return { clean: false, message: `QEMU ended unexpectedly${words === undefined ? '.' : `: ${words}`}` };
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

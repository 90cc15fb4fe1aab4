/**
 * A guest's memory and devices on disk. QEMU writes them as it would send them to another QEMU, over a unix socket at
 * whose other end we write a file: that works with every QEMU and inside its sandbox. QEMU's docs/devel/migration.
 */
import { createReadStream, createWriteStream, existsSync, readdirSync, rmSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import { incomingSocket } from '../../qemu/argv/paths.ts';
import type { Guest, Monitor } from '../../qemu/types.ts';

const suffix = '.state';
const chunkBytes = 2 ** 20;
const pollMs = 50;
/** QEMU keeps to 128 MiB/s when it is not told otherwise. */
const bytesPerSecond = 2 ** 40;

export class SavedStates {
  readonly #folder: string;

  constructor(dataDir: string) {
    this.#folder = join(dataDir, 'saved');
  }

  /** Path of a guest's state; undefined when there is none. */
  find(uid: string): string | undefined {
    const path = this.#path(uid);
    return existsSync(path) ? path : undefined;
  }

  remove(uid: string): void {
    for (const path of [this.#path(uid), `${this.#path(uid)}.partial`]) rmSync(path, { force: true });
  }

  /** Removes what an engine left half written, and the states of machines that are no more. */
  sweep(known: ReadonlySet<string | undefined>): void {
    for (const name of existsSync(this.#folder) ? readdirSync(this.#folder) : []) {
      if (!name.endsWith(suffix) || !known.has(name.slice(0, -suffix.length))) rmSync(join(this.#folder, name), { force: true });
    }
  }

  /** Stops the guest, writes its state, and ends its process. A guest whose state cannot be written goes on. */
  async save(guest: Guest, signal: AbortSignal): Promise<void> {
    const path = this.#path(guest.uid);
    const partial = `${path}.partial`;
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const wasRunning = (await guest.state()) === 'running';
    await guest.pause();
    try {
      await receive(guest.monitor, join(guest.folder, 'state.sock'), partial, signal);
      await rename(partial, path);
      await syncFolder(this.#folder);
    } catch (error) {
      await rm(partial, { force: true });
      await guest.monitor.command('migrate_cancel').catch(() => undefined);
      if (wasRunning) await guest.resume().catch(() => undefined);
      throw error;
    }
    await guest.kill({ clean: true, message: 'The guest’s state was saved.' });
  }

  /**
   * Gives a guest that was started to receive it its state. The state is gone before the guest goes on: from that moment
   * on its disks are newer.
   */
  async restore(guest: Guest, goesOn: boolean): Promise<void> {
    await pipeline(createReadStream(this.#path(guest.uid), { highWaterMark: chunkBytes }), createConnection(incomingSocket(guest.folder)));
    await migrated(guest.monitor, new AbortController().signal);
    this.remove(guest.uid);
    await syncFolder(this.#folder);
    if (goesOn) await guest.resume();
  }

  #path(uid: string): string {
    return join(this.#folder, `${uid}${suffix}`);
  }
}

async function receive(monitor: Monitor, socketPath: string, path: string, signal: AbortSignal): Promise<void> {
  rmSync(socketPath, { force: true });
  const server = createServer();
  try {
    const connected = connection(server, socketPath);
    await connected.listening;
    await monitor.command('migrate-set-parameters', { 'max-bandwidth': bytesPerSecond });
    await monitor.command('migrate', { uri: `unix:${socketPath}` });
    const stream = await connected.socket;
    const written = pipeline(stream, createWriteStream(path, { mode: 0o600, highWaterMark: chunkBytes, flush: true }));
    await Promise.all([written, migrated(monitor, signal)]);
  } finally {
    server.close();
    rmSync(socketPath, { force: true });
  }
}

function connection(server: Server, path: string): { listening: Promise<void>; socket: Promise<Socket> } {
  const socket = new Promise<Socket>((resolve, reject) => {
    server.once('connection', resolve);
    server.once('error', reject);
  });
  socket.catch(() => undefined);
  const listening = new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  return { listening, socket };
}

interface Migration {
  status?: string;
  'error-desc'?: string;
}

async function migrated(monitor: Monitor, signal: AbortSignal): Promise<void> {
  for (;;) {
    const migration = (await monitor.command('query-migrate')) as Migration;
    if (migration.status === 'completed') return;
    if (migration.status === 'failed' || migration.status === 'cancelled') {
      throw new HayloftError('internal', `QEMU could not hand over the guest’s state: ${migration['error-desc'] ?? migration.status}`);
    }
    if (signal.aborted) throw new HayloftError('timeout', 'There was not enough time to save the guest’s state.');
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

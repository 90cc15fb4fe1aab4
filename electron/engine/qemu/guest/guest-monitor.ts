/** A guest's control socket, connected again whenever it was lost: its process may stand still for a while and go on. */
import { QmpConnection, QmpError, type QmpEvent } from '../qmp.ts';
import type { Monitor } from '../types.ts';

export class GuestMonitor implements Monitor {
  readonly #path: string;
  readonly #listeners = new Set<(event: QmpEvent) => void>();
  #qmp: QmpConnection | undefined;
  #closed = false;

  constructor(path: string, qmp: QmpConnection | undefined) {
    this.#path = path;
    if (qmp) this.#use(qmp);
  }

  get connected(): boolean {
    return this.#qmp !== undefined;
  }

  /** Tries once; some seconds where QEMU stands still. @returns whether QEMU answers now */
  async connect(): Promise<boolean> {
    try {
      const qmp = await QmpConnection.connect(this.#path);
      if (this.#closed) qmp.close();
      else this.#use(qmp);
    } catch {
      // Asked again by whoever waits for it, for as long as the process lives.
    }
    return this.connected;
  }

  /** Resolves when the connection is over; at once when there is none. */
  async lost(): Promise<void> {
    await this.#qmp?.closed;
  }

  command(name: string, args?: Record<string, unknown>): Promise<unknown> {
    if (this.#qmp) return this.#qmp.command(name, args);
    return Promise.reject(new QmpError('ConnectionLost', 'QEMU does not answer on its control socket.'));
  }

  onEvent(listener: (event: QmpEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  close(): void {
    this.#closed = true;
    this.#qmp?.close();
  }

  #use(qmp: QmpConnection): void {
    this.#qmp = qmp;
    qmp.onEvent((event) => {
      for (const listener of this.#listeners) listener(event);
    });
    void qmp.closed.then(() => {
      if (this.#qmp === qmp) this.#qmp = undefined;
    });
  }
}

/**
 * A client of QEMU's guest agent: JSON, a message a line, over the channel's socket (QEMU's docs/interop/qemu-ga-ref).
 * The channel keeps what an earlier client was answered, so each connection, and each command after one that took too
 * long, begins with `guest-sync-delimited`: its answer follows a byte 0xFF, which no JSON holds.
 */
import { randomInt } from 'node:crypto';
import { createConnection, type Socket } from 'node:net';
import type { Monitor } from '../types.ts';
import { AgentError, type GuestAgent } from './types.ts';

/** The channel's ids among QEMU's arguments. */
export const AGENT_CHARDEV = 'agent';
export const AGENT_PORT = 'agent-port';

const defaultMs = 5000;
const delimiter = 0xff;
const newline = 0x0a;
/** An answer is some kilobytes; a guest that sends more than this without an end means no good. */
const longestAnswer = 4 * 2 ** 20;

interface Answer {
  return?: unknown;
  error?: { class?: unknown; desc?: unknown };
}

export class AgentClient implements GuestAgent {
  readonly #path: string;
  readonly #monitor: Monitor;
  readonly #listeners = new Set<() => void>();
  readonly #stopListening: () => void;
  #socket: Socket | undefined;
  #connected = false;
  #closed = false;
  #synced = false;
  #queue: Promise<unknown> = Promise.resolve();
  #received: Buffer = Buffer.alloc(0);
  #asking = false;
  /** Lines that came together with the one that was waited for: one chunk may hold several. */
  #lines: Buffer[] = [];
  /** Who waits for the next line, or for the end of the channel. */
  #waiting: { line(line: Buffer): void; lost(error: AgentError): void } | undefined;

  /** @param path the channel's socket, on which QEMU listens */
  constructor(path: string, monitor: Monitor) {
    this.#path = path;
    this.#monitor = monitor;
    this.#stopListening = monitor.onEvent(({ event, data }) => {
      if (event === 'VSERPORT_CHANGE' && data['id'] === AGENT_PORT) this.#setConnected(data['open'] === true);
    });
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** Asks QEMU how the channel stands; from then on QEMU's events tell. */
  async look(): Promise<void> {
    const devices = (await this.#monitor.command('query-chardev')) as { label: string; 'frontend-open': boolean }[];
    this.#setConnected(devices.some((device) => device.label === AGENT_CHARDEV && device['frontend-open']));
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  command(name: string, args?: Record<string, unknown>, timeoutMs = defaultMs): Promise<unknown> {
    if (name.startsWith('guest-exec')) return Promise.reject(new AgentError('Refused', 'Nothing is run in guests.'));
    const turn = this.#queue.then(() => this.#ask(name, args, timeoutMs));
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  /** Lets go of the channel; the agent itself is not told. */
  close(): void {
    this.#closed = true;
    this.#stopListening();
    this.#setConnected(false);
    this.#drop(notConnected());
  }

  #setConnected(connected: boolean): void {
    if (this.#connected === connected) return;
    this.#connected = connected;
    // Another agent, or the same one begun anew, knows nothing of what was asked.
    this.#synced = false;
    if (!connected) this.#waiting?.lost(notConnected());
    for (const listener of this.#listeners) listener();
  }

  async #ask(name: string, args: Record<string, unknown> | undefined, timeoutMs: number): Promise<unknown> {
    const end = performance.now() + timeoutMs;
    if (!this.#connected || this.#closed) throw notConnected();
    const socket = await this.#open();
    this.#asking = true;
    try {
      if (!this.#synced) await this.#sync(socket, end);
      this.#send(socket, name, args);
      return read(await this.#line(end, name));
    } finally {
      this.#asking = false;
    }
  }

  async #sync(socket: Socket, end: number): Promise<void> {
    const id = randomInt(2 ** 31);
    socket.write(Buffer.of(delimiter));
    this.#send(socket, 'guest-sync-delimited', { id });
    for (;;) {
      const line = await this.#line(end, 'guest-sync-delimited');
      const begin = line.lastIndexOf(delimiter);
      // What was meant for an earlier client has no delimiter, or another number.
      if (begin !== -1 && parse(line.subarray(begin + 1))?.return === id) break;
    }
    this.#synced = true;
  }

  #send(socket: Socket, name: string, args: Record<string, unknown> | undefined): void {
    // What came before it is no answer to it.
    this.#lines = [];
    socket.write(`${JSON.stringify({ execute: name, ...(args ? { arguments: args } : {}) })}\n`);
  }

  #open(): Promise<Socket> {
    if (this.#socket) return Promise.resolve(this.#socket);
    return new Promise((resolve, reject) => {
      const socket = createConnection(this.#path);
      socket.once('connect', () => {
        this.#socket = socket;
        this.#synced = false;
        resolve(socket);
      });
      socket.on('data', (bytes) => this.#take(bytes));
      socket.on('error', () => undefined);
      socket.on('close', () => {
        reject(notConnected());
        if (this.#socket === socket) this.#drop(notConnected());
      });
    });
  }

  #take(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    for (let at = this.#received.indexOf(newline); at !== -1; at = this.#received.indexOf(newline)) {
      const line = this.#received.subarray(0, at);
      this.#received = this.#received.subarray(at + 1);
      if (this.#waiting) this.#waiting.line(line);
      // Nobody waits for what comes too late, or was never asked for.
      else if (this.#asking) this.#lines.push(line);
    }
    const kept = this.#lines.reduce((sum, line) => sum + line.length, this.#received.length);
    if (kept > longestAnswer) this.#drop(new AgentError('BadAnswer', 'The guest agent’s answer has no end.'));
  }

  /** The next line, until the time given. */
  #line(end: number, name: string): Promise<Buffer> {
    const next = this.#lines.shift();
    if (next) return Promise.resolve(next);
    return new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting = undefined;
      };
      const lost = (error: AgentError): void => {
        done();
        // Its answer may still come, and must not be taken for another's.
        this.#synced = false;
        reject(error);
      };
      const timer = setTimeout(
        () => lost(new AgentError('Timeout', `The guest agent did not answer ${name} in time.`)),
        Math.max(1, end - performance.now()),
      );
      this.#waiting = {
        line: (line) => {
          done();
          resolve(line);
        },
        lost,
      };
    });
  }

  #drop(error: AgentError): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#synced = false;
    this.#received = Buffer.alloc(0);
    this.#lines = [];
    this.#waiting?.lost(error);
    socket?.destroy();
  }
}

const notConnected = (): AgentError => new AgentError('NotConnected', 'The guest agent is not connected.');

function parse(line: Buffer): Answer | undefined {
  try {
    const value: unknown = JSON.parse(line.toString('utf8'));
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function read(line: Buffer): unknown {
  const answer = parse(line);
  if (answer?.error) {
    const { class: errorClass, desc } = answer.error;
    throw new AgentError(
      typeof errorClass === 'string' ? errorClass : 'GenericError',
      typeof desc === 'string' ? desc : 'The guest agent refused, and gave no reason.',
    );
  }
  if (!answer || !('return' in answer)) throw new AgentError('BadAnswer', 'The guest agent’s answer makes no sense.');
  return answer.return;
}

/** A client of QMP, QEMU's control socket: JSON, a message a line. Protocol: QEMU's docs/interop/qmp-spec. */
import { createConnection, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

/** How long a QEMU may take to greet. */
const greetingMs = 10_000;

export interface QmpEvent {
  event: string;
  data: Record<string, unknown>;
}

interface Message {
  QMP?: unknown;
  id?: number;
  return?: unknown;
  error?: { class: string; desc: string };
  event?: string;
  data?: Record<string, unknown>;
}

/** QEMU refused a command, or the connection was lost before it answered (`class` is then `ConnectionLost`). */
export class QmpError extends Error {
  override readonly name = 'QmpError';
  readonly class: string;

  constructor(errorClass: string, message: string) {
    super(message);
    this.class = errorClass;
  }
}

export class QmpConnection {
  /** Resolves when the connection is over, whoever ended it. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #pending = new Map<number, { resolve: (value: unknown) => void; reject: (error: QmpError) => void }>();
  readonly #listeners = new Set<(event: QmpEvent) => void>();
  #nextId = 1;
  #open = true;

  private constructor(socket: Socket, greeted: () => void) {
    this.#socket = socket;
    const lines = createInterface({ input: socket });
    lines.on('line', (line) => this.#take(JSON.parse(line) as Message, greeted));
    // Errors of the socket arrive here a second time; `close` follows and says all there is to say.
    lines.on('error', () => undefined);
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#open = false;
        const lost = new QmpError('ConnectionLost', 'QEMU ended, or closed its control socket.');
        for (const { reject } of this.#pending.values()) reject(lost);
        this.#pending.clear();
        resolve();
      });
    });
  }

  /**
   * Connects, and negotiates capabilities. Rejects with the socket's error (`ENOENT`, `ECONNREFUSED`) or a QmpError.
   * @param limitMs how long QEMU may take to greet
   */
  static async connect(path: string, limitMs = greetingMs): Promise<QmpConnection> {
    return (await QmpConnection.connectAsking(path, undefined, limitMs)).qmp;
  }

  /**
   * The same, with a first question that goes along: a QEMU that has just begun takes a millisecond or more for each turn.
   * @returns its answer, too
   */
  static async connectAsking(path: string, question: string | undefined, limitMs = greetingMs): Promise<{ qmp: QmpConnection; answer: unknown }> {
    const socket = createConnection(path);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    let greeted: () => void = () => undefined;
    const greeting = new Promise<void>((resolve) => (greeted = resolve));
    const connection = new QmpConnection(socket, () => greeted());
    // A QEMU that stands still keeps its socket open and says nothing.
    const timer = setTimeout(() => connection.close(), limitMs);
    try {
      // QEMU reads what was sent before it greets after that.
      const [, answer] = await Promise.all([
        connection.command('qmp_capabilities'),
        question === undefined ? undefined : connection.command(question),
        Promise.race([greeting, connection.closed]),
      ]);
      return { qmp: connection, answer };
    } finally {
      clearTimeout(timer);
    }
  }

  /** @returns what QEMU answers; rejects with a {@link QmpError} */
  command(name: string, args?: Record<string, unknown>): Promise<unknown> {
    if (!this.#open) return Promise.reject(new QmpError('ConnectionLost', 'QEMU’s control socket is closed.'));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#socket.write(`${JSON.stringify({ execute: name, ...(args ? { arguments: args } : {}), id })}\n`);
    });
  }

  onEvent(listener: (event: QmpEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(message: Message, greeted: () => void): void {
    if (message.QMP !== undefined) {
      greeted();
    } else if (message.event !== undefined) {
      for (const listener of this.#listeners) listener({ event: message.event, data: message.data ?? {} });
    } else if (message.id !== undefined) {
      const waiting = this.#pending.get(message.id);
      this.#pending.delete(message.id);
      if (message.error) waiting?.reject(new QmpError(message.error.class, message.error.desc));
      else waiting?.resolve(message.return);
    }
  }
}

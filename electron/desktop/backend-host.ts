/** Keeps the backend's process running, and hands connections to it. */
import type { MessagePortMain, UtilityProcess } from 'electron';

export type BackendMessage = 'connect' | 'close';

/** Waits before each new start after a crash, in milliseconds; the last one for all that follow. */
const RESTART_DELAYS = [0, 1000, 2000, 5000, 10_000];

/** A process that lived this long, in milliseconds, was well: the next crash is a first one. */
const WELL_AFTER = 60_000;

/** How long the backend may take to finish when the app quits, in milliseconds. */
const CLOSE_TIMEOUT = 5000;

export interface BackendHostOptions {
  fork(): UtilityProcess;
  /** The process ended unasked; it will be started again. */
  onLost(exitCode: number): void;
  now?(): number;
}

export class BackendHost {
  readonly #options: BackendHostOptions;
  readonly #now: () => number;
  #process: UtilityProcess | undefined;
  #waiting: MessagePortMain[] = [];
  #started = 0;
  #crashes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closing = false;

  constructor(options: BackendHostOptions) {
    this.#options = options;
    this.#now = () => options.now?.() ?? Date.now();
  }

  start(): void {
    const child = this.#options.fork();
    this.#process = child;
    this.#started = this.#now();
    child.on('exit', (code) => this.#exited(code));
    for (const port of this.#waiting.splice(0)) this.connect(port);
  }

  /** Gives the backend one end of a channel; kept until there is a backend. */
  connect(port: MessagePortMain): void {
    if (this.#process === undefined) this.#waiting.push(port);
    else this.#process.postMessage('connect' satisfies BackendMessage, [port]);
  }

  /** Lets the backend finish. The engine, and the machines in it, go on. */
  async close(): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#timer);
    const child = this.#process;
    if (child === undefined) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        child.kill();
        resolve();
      }, CLOSE_TIMEOUT);
      child.once('exit', () => {
        clearTimeout(timer);
        resolve();
      });
      child.postMessage('close' satisfies BackendMessage);
    });
  }

  #exited(code: number): void {
    this.#process = undefined;
    if (this.#closing) return;
    if (this.#now() - this.#started >= WELL_AFTER) this.#crashes = 0;
    const delay = RESTART_DELAYS[Math.min(this.#crashes, RESTART_DELAYS.length - 1)] ?? 0;
    this.#crashes += 1;
    this.#options.onLost(code);
    this.#timer = setTimeout(() => this.start(), delay);
  }
}

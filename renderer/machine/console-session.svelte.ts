/**
 * Keeps a console open while its machine runs: connects, reconnects after a restart or a lost line, and gives way when
 * somebody else takes the console.
 */
import { asHayloftError } from '#shared/contract/errors.ts';

export type ConsoleState = 'off' | 'connecting' | 'open' | 'taken' | 'forbidden' | 'failed';

/** An end this soon, twice in a row, means that somebody else keeps taking the console: it is not fought over. */
const shortMs = 2500;
const firstRetryMs = 500;
const slowestRetryMs = 5000;

export class ConsoleSession {
  state = $state<ConsoleState>('off');
  message = $state('');
  readonly #connect: (opened: () => void) => Promise<void>;
  #running = false;
  #active = false;
  #stopped = false;
  #shortLives = 0;
  #retryMs = firstRetryMs;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param connect opens the console, calls `opened`, and settles when it has ended */
  constructor(connect: (opened: () => void) => Promise<void>) {
    this.#connect = connect;
  }

  /** Tells whether the machine runs now. */
  follow(running: boolean): void {
    if (running === this.#running) return;
    this.#running = running;
    clearTimeout(this.#timer);
    this.#shortLives = 0;
    this.#retryMs = firstRetryMs;
    if (running) void this.#run();
    else if (!this.#active) this.state = 'off';
  }

  /** A person wants it, whoever has it. */
  takeOver(): void {
    this.#shortLives = 0;
    clearTimeout(this.#timer);
    void this.#run();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #run(): Promise<void> {
    if (this.#active || this.#stopped) return;
    this.#active = true;
    this.state = 'connecting';
    let begun = performance.now();
    let ended: 'taken' | 'forbidden' | undefined;
    try {
      await this.#connect(() => {
        begun = performance.now();
        this.state = 'open';
      });
    } catch (error) {
      const known = asHayloftError(error);
      if (known.code === 'taken-over') ended = 'taken';
      if (known.code === 'forbidden') ended = 'forbidden';
      this.message = known.message;
    }
    this.#active = false;
    this.#after(performance.now() - begun, ended);
  }

  #after(livedMs: number, ended: 'taken' | 'forbidden' | undefined): void {
    if (this.#stopped) return;
    if (!this.#running) {
      this.state = 'off';
      return;
    }
    this.#shortLives = livedMs < shortMs ? this.#shortLives + 1 : 0;
    // Trying again by itself would help neither.
    if (ended) {
      this.state = ended;
      return;
    }
    this.state = this.#shortLives > 3 ? 'failed' : 'connecting';
    this.#timer = setTimeout(() => void this.#run(), this.#retryMs);
    this.#retryMs = livedMs < shortMs ? Math.min(this.#retryMs * 2, slowestRetryMs) : firstRetryMs;
  }
}

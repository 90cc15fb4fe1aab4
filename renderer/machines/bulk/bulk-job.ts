/** One action on several machines: who it is for, how each fares, and another try for those it failed on. */
import type { Machine } from '#shared/contract/machines.ts';
import { asHayloftError } from '#shared/contract/errors.ts';

/** `skipped`: it could not be done, and was not tried. */
export type BulkState = 'waiting' | 'working' | 'done' | 'failed' | 'skipped';

export interface BulkRow {
  machine: Machine;
  state: BulkState;
  /** Why it failed or was skipped, and what to do. */
  reason?: string;
  hint?: string;
}

/** As many requests at a time: a cluster with thousands of machines is not to be flooded. */
const atOnce = 6;

export class BulkJob {
  rows: readonly BulkRow[];
  readonly #run: (machine: Machine) => Promise<void>;
  readonly #changed: () => void;
  #working = false;

  /**
   * @param reason why it cannot be done to a machine now, or undefined
   * @param run does it to one; rejects with why not
   * @param changed called after each change of `rows`
   */
  constructor(
    machines: readonly Machine[],
    { reason, run, changed }: { reason: (machine: Machine) => string | undefined; run: (machine: Machine) => Promise<void>; changed: () => void },
  ) {
    this.#run = run;
    this.#changed = changed;
    this.rows = machines.map((machine) => {
      const why = reason(machine);
      return why === undefined ? { machine, state: 'waiting' as const } : { machine, state: 'skipped' as const, reason: why };
    });
  }

  count(state: BulkState): number {
    return this.rows.filter((row) => row.state === state).length;
  }

  get over(): boolean {
    return this.rows.every(({ state }) => state !== 'waiting' && state !== 'working');
  }

  /** Does it to all that wait. Never rejects: how each fared stands in its row. */
  async start(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    const waiting = this.rows.flatMap((row, at) => (row.state === 'waiting' ? [at] : []));
    const worker = async (): Promise<void> => {
      for (let at = waiting.shift(); at !== undefined; at = waiting.shift()) await this.#one(at);
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
    this.#working = false;
  }

  /** Tries those again that failed. */
  retry(): Promise<void> {
    this.rows = this.rows.map(({ machine, state, ...rest }) => (state === 'failed' ? { machine, state: 'waiting' } : { machine, state, ...rest }));
    this.#changed();
    return this.start();
  }

  async #one(at: number): Promise<void> {
    const machine = this.rows[at]?.machine;
    if (!machine) return;
    this.#put(at, { machine, state: 'working' });
    try {
      await this.#run(machine);
      this.#put(at, { machine, state: 'done' });
    } catch (error) {
      const { message, hint } = asHayloftError(error);
      this.#put(at, { machine, state: 'failed', reason: message, ...(hint === undefined ? {} : { hint }) });
    }
  }

  #put(at: number, row: BulkRow): void {
    this.rows = this.rows.with(at, row);
    this.#changed();
  }
}

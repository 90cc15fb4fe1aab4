/** The action on several machines that is asked about, under way, or just over. It goes on while its dialog is closed. */
import type { Machine } from '#shared/contract/machines.ts';
import { bulkReason, bulkRun, type BulkAnswers, type BulkId } from './bulk-actions.ts';
import { BulkJob, type BulkRow } from './bulk-job.ts';

/** The dialog shows how it goes this often at most, in milliseconds. */
const showMs = 100;

class Bulk {
  id = $state<BulkId>('start');
  machines = $state.raw<readonly Machine[]>([]);
  open = $state(false);
  /** Undefined while it is asked. */
  rows = $state.raw<readonly BulkRow[] | undefined>(undefined);
  over = $state(true);
  #job: BulkJob | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Asks. Another one that is under way is shown instead: one at a time can be followed. */
  ask(id: BulkId, machines: readonly Machine[]): void {
    if (this.over) {
      this.id = id;
      this.machines = machines;
      this.#job = undefined;
      this.rows = undefined;
    }
    this.open = true;
  }

  start(answers: BulkAnswers): Promise<void> {
    const { id } = this;
    this.#job = new BulkJob(this.machines, {
      reason: (machine) => bulkReason(id, machine),
      run: (machine) => bulkRun(id, answers, machine),
      changed: () => (this.#timer ??= setTimeout(() => this.#show(), showMs)),
    });
    return this.#follow(this.#job.start());
  }

  retry(): Promise<void> {
    return this.#follow(this.#job?.retry());
  }

  async #follow(going: Promise<void> | undefined): Promise<void> {
    this.over = false;
    this.#show();
    await going;
    this.over = true;
    this.#show();
  }

  #show(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.rows = this.#job?.rows;
  }
}

export const bulk = new Bulk();

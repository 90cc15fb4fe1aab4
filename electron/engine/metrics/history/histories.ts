/**
 * The histories of all machines and of the node. Of what runs they are in memory, and written to files now and then; of
 * what does not they are read when somebody asks. One goes with its machine.
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../../context.ts';
import type { History } from './history.ts';
import { readHistory, writeHistory } from './file.ts';

export interface HistoriesOptions {
  folder: string;
  log: Log;
}

export class Histories {
  readonly #folder: string;
  readonly #log: Log;
  readonly #open = new Map<string, { history: History; series: readonly string[]; changed: boolean }>();

  constructor({ folder, log }: HistoriesOptions) {
    this.#folder = folder;
    this.#log = log;
  }

  /** @param id a machine's uid, or `node` */
  add(id: string, series: readonly string[], timeMs: number, row: readonly number[]): void {
    const known = this.#open.get(id) ?? { history: readHistory(this.#path(id), series), series, changed: false };
    this.#open.set(id, known);
    known.history.add(timeMs, row);
    known.changed = true;
  }

  /** To be read at once, and not kept. */
  get(id: string, series: readonly string[]): History {
    return this.#open.get(id)?.history ?? readHistory(this.#path(id), series);
  }

  /** Writes everything that is new. What cannot be written is told in the log and tried again the next time. */
  save(): void {
    for (const id of this.#open.keys()) this.#write(id);
  }

  /** Nothing more will come for now: it is written, and leaves the memory. */
  close(id: string): void {
    this.#write(id);
    this.#open.delete(id);
  }

  remove(id: string): void {
    this.#open.delete(id);
    rmSync(this.#path(id), { force: true });
  }

  /** Removes the histories of all but these. */
  keepOnly(ids: ReadonlySet<string>): void {
    for (const id of this.#open.keys()) if (!ids.has(id)) this.#open.delete(id);
    if (!existsSync(this.#folder)) return;
    for (const name of readdirSync(this.#folder)) {
      if (!ids.has(name.split('.')[0] ?? '')) rmSync(join(this.#folder, name), { force: true });
    }
  }

  #write(id: string): void {
    const known = this.#open.get(id);
    if (!known?.changed) return;
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      writeHistory(this.#path(id), known.series, known.history);
      known.changed = false;
    } catch (error) {
      this.#log.warn('The history of figures could not be written', { id, error: String(error) });
    }
  }

  #path(id: string): string {
    return join(this.#folder, `${id}.history`);
  }
}

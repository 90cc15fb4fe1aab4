/** The list of tasks on disk, so that they are still known after the app has been closed, or has crashed. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { writeWhole } from '../kept/write-whole.ts';
import { taskEntry, type TaskEntry } from './entry.ts';

/** Ended tasks beyond this many are forgotten, the oldest first. */
const mostEnded = 30;
const file = z.object({ tasks: z.array(z.unknown()) });

export class Journal {
  readonly #path: string;
  readonly #warn: (message: string, fields: Record<string, unknown>) => void;

  /** @param warn told of a journal that cannot be read or written; tasks then last as long as the app */
  constructor(path: string, warn: (message: string, fields: Record<string, unknown>) => void) {
    this.#path = path;
    this.#warn = warn;
  }

  /** What it holds; an entry that is not understood is left out. */
  read(): TaskEntry[] {
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#failed('read', error);
      return [];
    }
    try {
      const { tasks } = file.parse(JSON.parse(text));
      return tasks.flatMap((item) => {
        const entry = taskEntry.safeParse(item);
        return entry.success ? [entry.data] : [];
      });
    } catch (error) {
      this.#failed('read', error);
      return [];
    }
  }

  write(entries: readonly TaskEntry[]): void {
    const ended = entries.filter(({ end }) => end !== undefined).sort((a, b) => (b.end?.at ?? 0) - (a.end?.at ?? 0));
    const forgotten = new Set(ended.slice(mostEnded).map(({ id }) => id));
    const kept = entries.filter(({ id }) => !forgotten.has(id));
    try {
      writeWhole(this.#path, JSON.stringify({ tasks: kept }, null, 1));
    } catch (error) {
      this.#failed('written', error);
    }
  }

  #failed(what: string, error: unknown): void {
    this.#warn(`The journal of tasks could not be ${what}`, { path: this.#path, error: String(error) });
  }
}

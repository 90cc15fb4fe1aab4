/**
 * A file that takes up space until it is needed: on a full disk it is what lets people delete things, which SQLite
 * needs a little space for.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, rmSync, writeFileSync } from 'node:fs';

const bytes = 2 ** 20;

export class Reserve {
  readonly #path: string;
  #there: boolean;

  constructor(path: string) {
    this.#path = path;
    this.#there = existsSync(path);
  }

  /** Gives the space free. False when that has happened before. */
  release(): boolean {
    if (!this.#there) return false;
    rmSync(this.#path, { force: true });
    this.#there = false;
    return true;
  }

  /** Takes the space again, if there is any. */
  restore(): void {
    if (this.#there) return;
    try {
      // Random, for a file system that packs.
      writeFileSync(this.#path, randomBytes(bytes), { mode: 0o600 });
      this.#there = true;
    } catch {
      // Still full: a part of it is of no use.
      rmSync(this.#path, { force: true });
    }
  }
}

/** Points that are reached once, and waited for by many. */

export class Milestone {
  #reached = false;
  #waiting: (() => void)[] = [];

  /** Resolves when it is reached. */
  async reached(): Promise<void> {
    if (!this.#reached) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  reach(): void {
    this.#reached = true;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** It is to be reached again. */
  forget(): void {
    this.#reached = false;
  }
}

/** Calls back when all of its parts have been reached. */
export class Countdown {
  #left: number;
  readonly #done: () => void;

  constructor(parts: number, done: () => void) {
    this.#left = parts;
    this.#done = done;
  }

  /** One of the parts; reaching it twice counts once. */
  part(): { reach: () => void } {
    let open = true;
    return {
      reach: () => {
        if (!open) return;
        open = false;
        this.#left -= 1;
        if (this.#left === 0) this.#done();
      },
    };
  }
}

/**
 * The last figures of several series, one row every so many milliseconds, in a table of fixed size. When a row was written
 * follows from its place: no times are kept. What is not known is NaN.
 */
export class Ring {
  readonly stepMs: number;
  readonly rows: number;
  readonly width: number;
  readonly values: Float32Array;
  /** Number of the newest row, counted from 1970 in steps; -1 while there is none. */
  #newest = -1;

  /** @param width how many series there are */
  constructor(stepMs: number, rows: number, width: number) {
    this.stepMs = stepMs;
    this.rows = rows;
    this.width = width;
    this.values = new Float32Array(rows * width).fill(NaN);
  }

  get newest(): number {
    return this.#newest;
  }

  /** Takes over what an earlier run kept. @param bytes of `values` */
  restore(newest: number, bytes: Uint8Array): void {
    if (bytes.byteLength !== this.values.byteLength) throw new RangeError('The table has another size.');
    new Uint8Array(this.values.buffer).set(bytes);
    this.#newest = newest;
  }

  /** Writes the row that a time falls into; a later one of the same step takes its place. */
  write(timeMs: number, row: readonly number[]): void {
    const step = Math.floor(timeMs / this.stepMs);
    // Rows that were passed over, and, when the clock was set back, those that are yet to come again.
    if (this.#newest !== -1 && step !== this.#newest) {
      const [from, to] = step > this.#newest ? [this.#newest + 1, step] : [step, this.#newest];
      for (let at = Math.max(from, to - this.rows + 1); at <= to; at++) this.#row(at).fill(NaN);
    }
    this.#row(step).set(row);
    this.#newest = step;
  }

  /** Calls `take` for each row that something is known of, oldest first, from those after `sinceMs`. */
  read(sinceMs: number, take: (timeMs: number, row: Float32Array) => void): void {
    if (this.#newest === -1) return;
    const first = Math.max(this.#newest - this.rows + 1, Math.floor(sinceMs / this.stepMs) + 1, 0);
    for (let step = first; step <= this.#newest; step++) {
      const row = this.#row(step);
      if (row.some((value) => !Number.isNaN(value))) take(step * this.stepMs, row);
    }
  }

  #row(step: number): Float32Array {
    const at = (step % this.rows) * this.width;
    return this.values.subarray(at, at + this.width);
  }
}

/** What is remembered of one machine or of the node: the last hour closely, the last day by the minute. */
import { Ring } from './ring.ts';

export const FINE_MS = 10_000;
export const COARSE_MS = 60_000;
const fineRows = 360;
const coarseRows = 1440;

export class History {
  readonly fine: Ring;
  readonly coarse: Ring;
  /** Of the minute that has begun: sums, and of how many. */
  #minute = -1;
  readonly #sums: Float64Array;
  readonly #counts: Uint16Array;

  /** @param width how many series there are */
  constructor(width: number) {
    this.fine = new Ring(FINE_MS, fineRows, width);
    this.coarse = new Ring(COARSE_MS, coarseRows, width);
    this.#sums = new Float64Array(width);
    this.#counts = new Uint16Array(width);
  }

  /** @param row by series; NaN for what is not known */
  add(timeMs: number, row: readonly number[]): void {
    this.fine.write(timeMs, row);
    const minute = Math.floor(timeMs / COARSE_MS);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#sums.fill(0);
      this.#counts.fill(0);
    }
    row.forEach((value, series) => {
      if (Number.isNaN(value)) return;
      this.#sums[series] = (this.#sums[series] ?? 0) + value;
      this.#counts[series] = (this.#counts[series] ?? 0) + 1;
    });
    this.coarse.write(timeMs, row.map((_, series) => (this.#sums[series] ?? 0) / (this.#counts[series] ?? 0)));
  }
}

/** The rate of something that grows, over the last seconds. */
const windowMs = 3000;

export class RateMeter {
  #samples: { at: number; total: number }[] = [];

  /**
   * @param total how much there is by now
   * @param nowMs a clock that only goes forward
   * @returns what is added in a second, over the last three seconds
   */
  add(total: number, nowMs: number): number {
    this.#samples.push({ at: nowMs, total });
    while ((this.#samples[1]?.at ?? nowMs) <= nowMs - windowMs) this.#samples.shift();
    const first = this.#samples[0];
    if (!first || nowMs === first.at) return 0;
    return ((total - first.total) / (nowMs - first.at)) * 1000;
  }
}

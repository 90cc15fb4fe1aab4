/** Random numbers that a seed repeats, so that a campaign's choices can be had again. */

export interface Random {
  /** At least 0, less than 1. */
  next(): number;
  /** A whole number, at least `low`, less than `high`. */
  below(high: number, low?: number): number;
  /** True this often. */
  chance(share: number): boolean;
  pick<T>(list: readonly T[]): T;
}

/** Mulberry32. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (high: number, low = 0): number => low + Math.floor(next() * (high - low));
  return {
    next,
    below,
    chance: (share) => next() < share,
    pick: <T>(list: readonly T[]): T => {
      const item = list[below(list.length)];
      if (item === undefined) throw new Error('There is nothing to pick from.');
      return item;
    },
  };
}

/** Durations as Go writes them, and Kubernetes with it: `5m0s`, `1h30m`. */

export const durationPattern = '([0-9]+(\\.[0-9]+)?(h|m|s|ms|us|ns))+|0';

const units: Record<string, number> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 0.001, ns: 0.000_001 };

/** @param text like `5m0s`. @returns milliseconds */
export const durationMs = (text: string): number =>
  [...text.matchAll(/([0-9.]+)(ms|us|ns|h|m|s)/g)].reduce((sum, [, count, unit]) => sum + Number(count) * (units[unit ?? ''] ?? 0), 0);

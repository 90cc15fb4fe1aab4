const first = 1000;
const longest = 60_000;

/** How long to wait after so many failures in a row, in milliseconds. */
export const backoffMs = (failures: number): number => Math.min(longest, first * 2 ** (failures - 1));

/** From samples to what a chart draws: columns over time, with holes where nothing was seen. Pure. */
import type { MetricsSample } from '#shared/contract/metrics.ts';

export interface ChartData {
  /** In seconds since 1970, ascending. */
  times: number[];
  /** A list for each column; null where nothing is known. */
  columns: (number | null)[][];
}

/** A quiet engine looks once a minute; a pause up to this is none. */
const leastGapSeconds = 90;

/** @param indexes which values of the samples are wanted, -1 for one that there is not */
export function chartData(samples: readonly MetricsSample[], indexes: readonly number[], stepSeconds: number): ChartData {
  const gap = Math.max(leastGapSeconds, stepSeconds * 2.5);
  const data: ChartData = { times: [], columns: indexes.map(() => []) };
  const push = (time: number, values: readonly (number | null)[]): void => {
    data.times.push(time);
    values.forEach((value, column) => data.columns[column]?.push(value));
  };
  for (const { at, values } of [...samples].sort((a, b) => a.at - b.at)) {
    const row = indexes.map((index) => values[index] ?? null);
    if (row.every((value) => value === null)) continue;
    const time = at / 1000;
    const last = data.times.at(-1);
    // A line would lead over what was not seen.
    if (last !== undefined && time - last > gap) push(last + 1, indexes.map(() => null));
    push(time, row);
  }
  return data;
}

/** What a column says as a text: the last value, the mean, and the highest. */
export function summaryOf(label: string, column: readonly (number | null)[], format: (value: number) => string): string {
  const known = column.filter((value) => value !== null);
  const last = known.at(-1);
  if (last === undefined) return `${label}: not known.`;
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  return `${label}: now ${format(last)}, on average ${format(mean)}, at most ${format(Math.max(...known))}.`;
}

/** The last row in which something is known. */
export function lastKnown({ columns, times }: ChartData): number | undefined {
  for (let row = times.length - 1; row >= 0; row--) if (columns.some((column) => typeof column[row] === 'number')) return row;
  return undefined;
}

/** The next row in this direction that something is known of; where it ends, the same. */
export function stepFrom(data: ChartData, row: number, by: 1 | -1): number {
  for (let next = row + by; next >= 0 && next < data.times.length; next += by) {
    if (data.columns.some((column) => typeof column[next] === 'number')) return next;
  }
  return row;
}

/** What a measurement yields, and how it is shown. */

export interface Measurement {
  name: string;
  unit: string;
  /** Medians over the runs. */
  ours: number;
  peer: number;
  peerName: string;
  /** `at most`: smaller is better. */
  goal: { kind: 'at most' | 'at least'; ratio: number };
  runs: number;
  /** What a reader must know to judge the figure. */
  note?: string;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

export function ratio(measurement: Measurement): number {
  return measurement.ours / measurement.peer;
}

export function meetsGoal(measurement: Measurement): boolean {
  const { kind, ratio: goal } = measurement.goal;
  return kind === 'at most' ? ratio(measurement) <= goal : ratio(measurement) >= goal;
}

/** A plain-text table, a row a measurement. */
export function table(measurements: readonly Measurement[]): string {
  const rows = measurements.map((m) => [
    m.name,
    `${m.ours.toPrecision(4)} ${m.unit}`,
    `${m.peer.toPrecision(4)} ${m.unit} (${m.peerName})`,
    ratio(m).toFixed(2),
    `${m.goal.kind} ${m.goal.ratio.toFixed(2)}`,
    meetsGoal(m) ? 'met' : 'missed',
  ]);
  const all = [['What', 'Hayloft', 'Peer', 'Ratio', 'Goal', ''], ...rows];
  const widths = all[0]?.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0))) ?? [];
  return all.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()).join('\n');
}

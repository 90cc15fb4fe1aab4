/** Which charts there are of machines and of nodes, and in what they are measured. */
import type { MetricsAbout, MetricsSeries, MetricsTarget } from '#shared/contract/metrics.ts';
import { formatBitRate, formatBytes, formatPercent, formatRate } from '#shared/format/units.ts';

export interface ChartSeries {
  name: MetricsSeries;
  label: string;
}

export interface ChartKind {
  id: 'cpu' | 'memory' | 'disk' | 'network';
  title: string;
  series: readonly ChartSeries[];
  /** A value as people read it. */
  format: (value: number) => string;
  /** What the scale has to reach at least; undefined where there is no bound. */
  top: number | undefined;
  /** What values are multiplied with before they are drawn. */
  factor: number;
  /** Steps of the scale are powers of two. */
  binary: boolean;
}

const rates = (what: 'disk' | 'network', first: MetricsSeries, firstLabel: string, second: MetricsSeries, secondLabel: string): ChartKind => ({
  id: what,
  title: what === 'disk' ? 'Disks' : 'Network',
  series: [{ name: first, label: firstLabel }, { name: second, label: secondLabel }],
  format: what === 'disk' ? formatRate : formatBitRate,
  top: undefined,
  // Disks are measured in bytes and networks in bits, by everybody.
  factor: what === 'disk' ? 1 : 8,
  binary: what === 'disk',
});

/** @param about what is known of the target; where it is not, the processor's scale has no end */
export function chartsOf(kind: MetricsTarget['kind'], { limits }: Pick<MetricsAbout, 'limits'>): ChartKind[] {
  const memory: ChartSeries[] =
    kind === 'machine'
      ? [{ name: 'memoryUsed', label: 'in the guest' }, { name: 'memoryResident', label: 'on the host' }]
      : [{ name: 'memoryUsed', label: 'used' }, { name: 'memoryPromised', label: 'given to machines' }];
  const cpuKnown = limits.cpu !== undefined && limits.cpu > 0;
  return [
    {
      id: 'cpu',
      title: 'Processor',
      series: [{ name: 'cpu', label: 'used' }],
      format: cpuKnown ? formatPercent : (value) => `${value.toFixed(2)} processors`,
      top: cpuKnown ? 100 : undefined,
      factor: cpuKnown ? 100 / (limits.cpu ?? 1) : 1,
      binary: false,
    },
    { id: 'memory', title: 'Memory', series: memory, format: formatBytes, top: limits.memoryBytes, factor: 1, binary: true },
    rates('disk', 'diskRead', 'read', 'diskWrite', 'written'),
    rates('network', 'networkReceive', 'received', 'networkTransmit', 'sent'),
  ];
}

/** How uPlot draws a chart: our colours, our units, no legend of its own. */
import type uPlot from 'uplot';
import type { ChartKind } from './chart-kinds.ts';
import { clockText } from './ranges.ts';

export interface ChartLook {
  kind: ChartKind;
  width: number;
  /** Of each series, as it is now. */
  colour: (index: number) => string;
  /** Where the axes' colour and font come from. */
  style: CSSStyleDeclaration;
  hovered: (row: number | undefined) => void;
}

const height = 132;
/** Room for `1.5 GiB/s`. */
const scaleWidth = 68;
/** The cursors of all charts on a page move together. */
const together = 'metrics';
const powersOfTwo = Array.from({ length: 50 }, (_, exponent) => 2 ** exponent);

export function chartOptions({ kind, width, colour, style, hovered }: ChartLook): uPlot.Options {
  const axis: Partial<uPlot.Axis> = {
    stroke: () => style.color,
    font: `${style.fontSize} ${style.fontFamily}`,
    grid: { stroke: () => faint(style.color, 0.16), width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height,
    legend: { show: false },
    padding: [8, 18, 0, 0],
    cursor: { sync: { key: together }, drag: { x: false, y: false }, y: false, points: { size: 6, fill: (_, series) => colour(series - 1), width: 0 } },
    scales: { x: { time: true, auto: false }, y: { range: (_, __, max) => [0, Math.max(kind.top ?? 0, max * 1.08, kind.binary ? 1024 : 1)] } },
    axes: [
      { ...axis, size: 24, space: 90, values: (_, splits) => splits.map(clockText) },
      { ...axis, size: scaleWidth, space: 26, ...(kind.binary ? { incrs: powersOfTwo } : {}), values: (_, splits) => splits.map((value) => (value === 0 ? '0' : kind.format(value))) },
    ],
    series: [
      {},
      ...kind.series.map((_, index): uPlot.Series => ({
        stroke: () => colour(index),
        width: 1.5,
        // Told apart without colour as well: the first is filled, the second is dashed.
        ...(index === 0 ? { fill: () => faint(colour(index), 0.14) } : { dash: [5, 3] }),
        points: { size: 4 },
      })),
    ],
    hooks: { setCursor: [(chart) => hovered(chart.cursor.idx ?? undefined)] },
  };
}

/** @param colour as browsers give it: `rgb(1, 2, 3)` */
const faint = (colour: string, share: number): string => colour.replace(/^rgb\((.*)\)$/, `rgba($1, ${share})`);

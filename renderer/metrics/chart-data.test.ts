import { describe, expect, it } from 'vitest';
import type { MetricsSample } from '#shared/contract/metrics.ts';
import { chartData, lastKnown, stepFrom, summaryOf } from './chart-data.ts';
import { chartsOf } from './chart-kinds.ts';

const sample = (seconds: number, ...values: (number | null)[]): MetricsSample => ({ kind: 'sample', key: String(seconds), at: seconds * 1000, values });

describe('what a chart draws', () => {
  it('is in the order of time, whatever came first', () => {
    expect(chartData([sample(20, 2, 5), sample(10, 1, null)], [0, 1], 10)).toEqual({ times: [10, 20], columns: [[1, 2], [null, 5]] });
  });

  it('has a hole where nothing was seen, and none where a quiet engine looked once a minute', () => {
    expect(chartData([sample(0, 1), sample(60, 2), sample(300, 3)], [0], 10)).toEqual({ times: [0, 60, 61, 300], columns: [[1, 2, null, 3]] });
    expect(chartData([sample(0, 1), sample(120, 2)], [0], 60).times).toEqual([0, 120]);
  });

  it('leaves out what it has nothing of', () => {
    expect(chartData([sample(0, 1, null), sample(10, 1, 2)], [1], 10)).toEqual({ times: [10], columns: [[2]] });
    expect(chartData([sample(0, 1)], [-1, -1], 10)).toEqual({ times: [], columns: [[], []] });
  });

  it('is told as a text', () => {
    expect(summaryOf('used', [1, null, 3, 2], (value) => `${value} %`)).toBe('used: now 2 %, on average 2 %, at most 3 %.');
    expect(summaryOf('used', [null], String)).toBe('used: not known.');
  });

  it('is walked through over its holes', () => {
    const data = { times: [0, 10, 11, 300], columns: [[1, 2, null, 3]] };
    expect(lastKnown(data)).toBe(3);
    expect(stepFrom(data, 3, -1)).toBe(1);
    expect(stepFrom(data, 0, -1)).toBe(0);
    expect(lastKnown({ times: [], columns: [] })).toBeUndefined();
  });
});

describe('the charts', () => {
  it('measure the processor in percent of what the machine has', () => {
    const [cpu, memory] = chartsOf('machine', { limits: { cpu: 4, memoryBytes: 2 ** 30 } });
    expect([cpu?.factor, cpu?.top, cpu?.format(50)]).toEqual([25, 100, '50 %']);
    expect(memory?.top).toBe(2 ** 30);
  });

  it('measure it in processors where nobody knows how many there are', () => {
    const [cpu] = chartsOf('node', { limits: {} });
    expect([cpu?.factor, cpu?.top, cpu?.format(1.5)]).toEqual([1, undefined, '1.50 processors']);
  });
});

/** Figures from the engine's own history: the last day, from before anybody looked. */
import { metricsSeries, type MetricsSeries, type MetricsTarget } from '#shared/contract/metrics.ts';
import { HISTORY_GROUP, type MetricsHistory } from '#shared/kube/metrics.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import type { Figures, MetricsSource } from './source.ts';

export function historySource(client: ApiClient, target: MetricsTarget, seconds: number): MetricsSource {
  const path = `${pathOf(target)}?seconds=${seconds}`;
  /** The last row but one: the last is not over when it is read, and comes again. */
  let since: string | undefined;
  const source: MetricsSource = {
    everyMs: 10_000,
    read: async (signal) => {
      const more = since === undefined ? '' : `&since=${encodeURIComponent(since)}`;
      const history = await client.call<MetricsHistory>('GET', path + more, { signal });
      since = history.rows.at(-2)?.time ?? since;
      source.everyMs = history.stepSeconds * 1000;
      return figuresOf(history);
    },
  };
  return source;
}

function pathOf(target: MetricsTarget): string {
  const base = `/apis/${HISTORY_GROUP}/v1`;
  const name = encodeURIComponent(target.name);
  if (target.kind === 'node') return `${base}/nodes/${name}/history`;
  return `${base}/namespaces/${encodeURIComponent(target.namespace)}/virtualmachineinstances/${name}/history`;
}

/** Columns that a later engine may add are left out. */
function figuresOf({ series, rows, stepSeconds, limits, notes }: MetricsHistory): Figures {
  const known = series.map((name) => metricsSeries.safeParse(name).data);
  const columns = known.flatMap((name, index) => (name === undefined ? [] : [index]));
  const isKnown = (name: MetricsSeries | undefined): name is MetricsSeries => name !== undefined;
  return {
    about: {
      source: 'history',
      series: known.filter(isKnown),
      stepSeconds,
      limits: { cpu: limits.cpu, memoryBytes: limits.memory },
      notes: notes.map((note) => ({ series: note.series.map((name) => metricsSeries.safeParse(name).data).filter(isKnown), message: note.message })),
    },
    samples: rows.map(({ time, values }) => ({ at: Date.parse(time), values: columns.map((index) => values[index] ?? null) })),
  };
}

/** A machine's or a node's figures as a topic: what is known, then what comes, for as long as somebody looks. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { TopicListener, TopicSource } from '#shared/channel/types.ts';
import { asHayloftError } from '#shared/contract/errors.ts';
import type { MetricsAbout, MetricsSample, MetricsTarget } from '#shared/contract/metrics.ts';
import type { Clusters } from '../clusters/clusters.ts';
import type { CollectedSamples } from './collected.ts';
import { metricsSource, type Figures, type MetricsSource } from './source.ts';

/** After a failure. The page tells by itself that a cluster cannot be reached. */
const retryMs = 5000;

type Item = MetricsAbout | MetricsSample;

export function metricsTopic(clusters: Clusters, collected: CollectedSamples, target: MetricsTarget, seconds: number): TopicSource<Item> {
  return {
    subscribe: (listener) => {
      const stop = new AbortController();
      const shown = new Shown(listener, seconds * 1000);
      const follow = async (signal: AbortSignal): Promise<void> => {
        let source: MetricsSource | undefined;
        const over = (): boolean => signal.aborted;
        while (!over()) {
          try {
            const client = await clusters.get(target.clusterId).client(signal);
            source ??= await metricsSource(client, target, seconds, collected, signal);
            const figures = await source.read(signal);
            if (!over()) shown.take(figures);
          } catch (error) {
            if (over()) return;
            // What can be asked, and by whom, may be another next time.
            source = undefined;
            shown.fail(error);
          }
          await sleep(source?.everyMs ?? retryMs, undefined, { signal, ref: false }).catch(() => undefined);
        }
      };
      void follow(stop.signal);
      return () => stop.abort();
    },
  };
}

/** What the listener knows, so that it is told what is new, and what is past. */
class Shown {
  readonly #listener: TopicListener<Item>;
  readonly #rangeMs: number;
  readonly #samples = new Map<number, string>();
  #about = '';
  #begun = false;

  constructor(listener: TopicListener<Item>, rangeMs: number) {
    this.#listener = listener;
    this.#rangeMs = rangeMs;
  }

  take({ about, samples }: Figures): void {
    const oldest = Date.now() - this.#rangeMs;
    const fresh = samples.filter(({ at, values }) => at >= oldest && this.#samples.get(at) !== JSON.stringify(values));
    for (const { at, values } of fresh) this.#samples.set(at, JSON.stringify(values));
    const past = [...this.#samples.keys()].filter((at) => at < oldest);
    for (const at of past) this.#samples.delete(at);
    const items = fresh.map(({ at, values }): MetricsSample => ({ kind: 'sample', key: String(at), at, values }));
    this.#tell({ kind: 'about', key: 'about', ...about }, items, past.map(String));
  }

  /** What was shown stays; a page that shows nothing yet learns why. */
  fail(error: unknown): void {
    if (this.#begun && this.#samples.size > 0) return;
    const problem = asHayloftError(error).toData();
    this.#tell({ kind: 'about', key: 'about', source: 'none', problem, series: [], stepSeconds: 0, limits: {}, notes: [] }, [], []);
  }

  #tell(about: MetricsAbout, samples: MetricsSample[], past: string[]): void {
    const text = JSON.stringify(about);
    const items: Item[] = text === this.#about ? samples : [about, ...samples];
    this.#about = text;
    if (!this.#begun) {
      this.#begun = true;
      this.#listener.onSnapshot(items);
    } else if (items.length + past.length > 0) this.#listener.onChanges(items, past);
  }
}

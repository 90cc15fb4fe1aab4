/** Samples that were seen while somebody looked, and for a little longer, so that leaving a page does not lose them. */
import type { MetricsTarget } from '#shared/contract/metrics.ts';
import type { Sample } from './source.ts';

/** A day of what metrics-server tells every quarter of a minute would be more than is looked at. */
const mostSamples = 1440;
const keepMs = 10 * 60_000;

export const targetKey = (target: MetricsTarget): string => JSON.stringify([target.clusterId, target.kind, target.kind === 'machine' ? target.namespace : '', target.name]);

export class CollectedSamples {
  readonly #samples = new Map<string, Sample[]>();
  readonly #timers = new Map<string, NodeJS.Timeout>();

  /** The same look, told again, counts once. */
  add(key: string, sample: Sample): void {
    const known = this.#samples.get(key) ?? [];
    if (known.some(({ at }) => at === sample.at)) return;
    known.push(sample);
    if (known.length > mostSamples) known.shift();
    this.#samples.set(key, known);
    clearTimeout(this.#timers.get(key));
    this.#timers.set(key, setTimeout(() => this.#forget(key), keepMs).unref());
  }

  get(key: string): Sample[] {
    return [...(this.#samples.get(key) ?? [])];
  }

  close(): void {
    for (const key of this.#samples.keys()) this.#forget(key);
  }

  #forget(key: string): void {
    clearTimeout(this.#timers.get(key));
    this.#timers.delete(key);
    this.#samples.delete(key);
  }
}

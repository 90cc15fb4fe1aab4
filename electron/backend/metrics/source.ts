/** Where a cluster's figures come from, behind one interface: the engine's history, or `metrics.k8s.io`. */
import { HayloftError } from '#shared/contract/errors.ts';
import type { MetricsAbout, MetricsTarget } from '#shared/contract/metrics.ts';
import { HISTORY_GROUP } from '#shared/kube/metrics.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import type { CollectedSamples } from './collected.ts';
import { currentSource } from './current-source.ts';
import { historySource } from './history-source.ts';

export interface Sample {
  at: number;
  values: (number | null)[];
}

export type About = Pick<MetricsAbout, 'source' | 'series' | 'stepSeconds' | 'limits' | 'notes'>;

export interface Figures {
  about: About;
  /** Oldest first. One that came before may come again, with a better value. */
  samples: Sample[];
}

export interface MetricsSource {
  /** How often it is worth asking, in milliseconds. */
  everyMs: number;
  /** @throws HayloftError */
  read(signal: AbortSignal): Promise<Figures>;
}

interface GroupList {
  groups?: { name: string }[];
}

/** @throws HayloftError `unsupported` where the cluster has no figures at all */
export async function metricsSource(client: ApiClient, target: MetricsTarget, seconds: number, collected: CollectedSamples, signal: AbortSignal): Promise<MetricsSource> {
  const { groups = [] } = await client.call<GroupList>('GET', '/apis', { signal });
  const has = (name: string): boolean => groups.some((group) => group.name === name);
  if (has(HISTORY_GROUP)) return historySource(client, target, seconds);
  if (has('metrics.k8s.io')) return currentSource(client, target, collected);
  throw noMetrics();
}

export const noMetrics = (): HayloftError =>
  new HayloftError('unsupported', 'This cluster has no metrics.', { hint: 'Install metrics-server on it (k3s brings it), and figures appear here.' });

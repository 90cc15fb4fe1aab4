/** Figures of machines and nodes: what they use, over the last hours where the cluster knows, or from when somebody looks. */
import { z } from 'zod';
import { topic } from './define.ts';
import { errorData } from './errors.ts';

/** What figures are about. */
export const metricsTarget = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('machine'), clusterId: z.string(), namespace: z.string(), name: z.string() }),
  z.object({ kind: z.literal('node'), clusterId: z.string(), name: z.string() }),
]);
export type MetricsTarget = z.infer<typeof metricsTarget>;

/** Processors, bytes, and bytes a second from the target's point of view. */
export const metricsSeries = z.enum(['cpu', 'memoryResident', 'memoryUsed', 'memoryPromised', 'diskRead', 'diskWrite', 'networkReceive', 'networkTransmit']);
export type MetricsSeries = z.infer<typeof metricsSeries>;

/** Comes first, and again when it changes. */
export const metricsAbout = z.object({
  kind: z.literal('about'),
  key: z.literal('about'),
  /** `history`: the cluster keeps the last day; `collected`: it tells the present alone, which the app collects while somebody looks. */
  source: z.enum(['history', 'collected', 'none']),
  /** Why there are no figures. */
  problem: errorData.optional(),
  /** Columns of the samples. */
  series: z.array(metricsSeries),
  stepSeconds: z.number(),
  /** What there is, where that is known: processors and bytes. */
  limits: z.object({ cpu: z.number().optional(), memoryBytes: z.number().optional() }),
  /** Why some of them cannot be known. */
  notes: z.array(z.object({ series: z.array(metricsSeries), message: z.string() })),
});
export type MetricsAbout = z.infer<typeof metricsAbout>;

export const metricsSample = z.object({
  kind: z.literal('sample'),
  key: z.string(),
  /** In milliseconds since the epoch. */
  at: z.number(),
  /** By series; null for what is not known. */
  values: z.array(z.number().nullable()),
});
export type MetricsSample = z.infer<typeof metricsSample>;

/** What one machine uses now, for lists. */
export const machineUsage = z.object({
  /** A machine's key. */
  key: z.string(),
  /** Processors. */
  cpu: z.number(),
  memoryBytes: z.number(),
});
export type MachineUsage = z.infer<typeof machineUsage>;

export const longestMetricsSeconds = 24 * 3600;

export const metricsTopics = {
  metrics: topic({
    params: z.object({ target: metricsTarget, seconds: z.number().int().min(60).max(longestMetricsSeconds) }),
    item: z.discriminatedUnion('kind', [metricsAbout, metricsSample]),
    key: (item) => item.key,
  }),
  /** Of the machines that run, on one cluster or on all; none where a cluster has no metrics. */
  machineUsage: topic({ params: z.object({ clusterId: z.string().optional() }), item: machineUsage, key: (item) => item.key }),
};

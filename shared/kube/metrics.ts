/** `metrics.k8s.io/v1beta1`, and the engine's own history of figures. */
import type { KubeObject } from './object.ts';

/** Quantities: processors and bytes. */
export interface Usage {
  cpu: string;
  memory: string;
}

export interface NodeMetrics extends KubeObject {
  timestamp: string;
  /** Over how long the processor time was counted, as Go writes durations. */
  window: string;
  usage: Usage;
}

export interface PodMetrics extends KubeObject {
  timestamp: string;
  window: string;
  containers: { name: string; usage: Usage }[];
}

/** The API group of the engine's history; a cluster that has it has the last hours of its machines and nodes. */
export const HISTORY_GROUP = 'metrics.hayloft.io';

/** `GET /apis/metrics.hayloft.io/v1/…/history` */
export interface MetricsHistory extends KubeObject {
  /** Of rows; where the engine slept, they come once a minute all the same. */
  stepSeconds: number;
  /** Names of the columns. Processors, bytes, bytes a second. */
  series: string[];
  /** Oldest first; what is not known is null. */
  rows: { time: string; values: (number | null)[] }[];
  /** What there is of it. */
  limits: { cpu: number; memory: number };
  /** Why something cannot be known. */
  notes: { series: string[]; reason: string; message: string }[];
}

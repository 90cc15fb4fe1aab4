/** Clusters: whatever answers behind a kubeconfig. */
import { z } from 'zod';
import { topic } from './define.ts';
import { errorData } from './errors.ts';

export const clusterState = z.enum(['connecting', 'ready', 'degraded', 'unreachable', 'unauthorized']);
export type ClusterState = z.infer<typeof clusterState>;

export const cluster = z.object({
  id: z.string(),
  name: z.string(),
  server: z.string(),
  /** `engine` is the solo size: Hayloft's own engine. */
  flavour: z.enum(['engine', 'kubevirt', 'harvester', 'unknown']),
  /** Whether it is the engine that runs on this computer. */
  local: z.boolean(),
  state: clusterState,
  /** When `state` was entered, in milliseconds since the epoch. */
  since: z.number(),
  /** When anything was last heard from it, in milliseconds since the epoch. */
  lastSeen: z.number().optional(),
  error: errorData.optional(),
  version: z.string().optional(),
});
export type Cluster = z.infer<typeof cluster>;

export const node = z.object({
  key: z.string(),
  clusterId: z.string(),
  name: z.string(),
  ready: z.boolean(),
  cpus: z.number(),
  memoryBytes: z.number(),
  /** What running machines have been given, in bytes. */
  memoryUsedBytes: z.number(),
  diskBytes: z.number().optional(),
  diskFreeBytes: z.number().optional(),
  /** How guests are run: hardware virtualization, or software emulation with the reason for it. */
  acceleration: z.enum(['kvm', 'hvf', 'whpx', 'tcg', 'none', 'unknown']),
  accelerationReason: z.string().optional(),
  version: z.string().optional(),
});
export type Node = z.infer<typeof node>;

export const clusterTopics = {
  clusters: topic({ params: z.object({}), item: cluster, key: (item) => item.id }),
  nodes: topic({ params: z.object({ clusterId: z.string().optional() }), item: node, key: (item) => item.key }),
};

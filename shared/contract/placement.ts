/** Whether a new machine fits on a cluster, and where: an answer that follows what changes there. */
import { z } from 'zod';
import { topic } from './define.ts';

export const placementRequest = z.object({
  clusterId: z.string(),
  namespace: z.string(),
  cores: z.number().int().positive(),
  memoryBytes: z.number().int().positive(),
  /** Disks that are made with it. No class: the cluster's own choice. */
  disks: z.array(z.object({ sizeBytes: z.number().int().positive(), storageClass: z.string().optional() })),
  /** Labels that its node must have. */
  nodeSelector: z.record(z.string(), z.string()).optional(),
  /** It has a TPM, whose program takes memory of its own. */
  tpm: z.boolean().optional(),
  /** It has a screen. Default: yes. */
  graphics: z.boolean().optional(),
  /** It is to run as soon as it is made; otherwise only what is made with it counts against quotas. */
  start: z.boolean(),
});
export type PlacementRequest = z.infer<typeof placementRequest>;

export const placementNode = z.object({
  name: z.string(),
  fits: z.boolean(),
  /** Why not, each a sentence with its figures. */
  reasons: z.array(z.string()),
  /** Worth knowing where it fits. */
  notes: z.array(z.string()),
  /** What is left for machines and other pods, by what was promised; negative where too much was. */
  memoryFreeBytes: z.number(),
  memoryTotalBytes: z.number(),
  /** What no program uses at the moment, where the cluster has metrics. */
  memoryUnusedBytes: z.number().optional(),
  cpuFree: z.number(),
});
export type PlacementNode = z.infer<typeof placementNode>;

export const placement = z.object({
  key: z.literal('placement'),
  tone: z.enum(['good', 'warning', 'bad', 'unknown']),
  /** All of it in one sentence. */
  sentence: z.string(),
  /** The cluster would not take it, whenever it is tried: a quota, or what its admission allows. */
  refused: z.boolean(),
  /** What is not known, and what else is worth knowing. */
  notes: z.array(z.string()),
  nodes: z.array(placementNode),
});
export type Placement = z.infer<typeof placement>;

export const placementTopics = {
  placement: topic({ params: placementRequest, item: placement, key: (item) => item.key }),
};

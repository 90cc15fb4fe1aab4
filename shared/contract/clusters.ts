/** Clusters: whatever answers behind a kubeconfig. */
import { z } from 'zod';
import { check } from './app.ts';
import { topic } from './define.ts';
import { errorCode, errorData } from './errors.ts';
import { actionState } from './machines.ts';

export const clusterState = z.enum(['connecting', 'ready', 'degraded', 'unreachable', 'unauthorized']);
export type ClusterState = z.infer<typeof clusterState>;

/** What a cluster may be able to do, and may not. */
export const clusterFeature = z.enum([
  'machines',
  'uploads',
  'snapshots',
  'clones',
  'exports',
  'hotplug',
  'migration',
  'instancetypes',
  'networks',
]);
export type ClusterFeature = z.infer<typeof clusterFeature>;

export const capabilities = z.object({
  /** Versions, where they can be read. */
  kubevirt: z.string().optional(),
  cdi: z.string().optional(),
  harvester: z.string().optional(),
  features: z.record(clusterFeature, actionState),
});

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
  /** Kinds of objects that this user may not read (`forbidden`), or that the cluster does not have (`not-found`). */
  withheld: z.array(z.object({ resource: z.string(), code: errorCode, message: z.string() })).optional(),
  /** Only these namespaces are seen, as the user may not read the whole cluster. */
  namespaces: z.array(z.string()).optional(),
  /** Absent until it was asked. */
  capabilities: capabilities.optional(),
});
export type Cluster = z.infer<typeof cluster>;

export const node = z.object({
  key: z.string(),
  clusterId: z.string(),
  name: z.string(),
  ready: z.boolean(),
  cpus: z.number(),
  memoryBytes: z.number(),
  /** What is left to machines of it, where the cluster tells. */
  memoryAllocatableBytes: z.number().optional(),
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

/** One context of a kubeconfig, before it becomes a cluster of the app. */
export const kubeconfigContext = z.object({
  name: z.string(),
  server: z.string(),
  user: z.string().optional(),
  /** The program that is run for credentials, as a command line. */
  program: z.string().optional(),
  /** Why it cannot be used as it is. */
  problem: errorData.optional(),
  /** The cluster of the app that leads to the same server already. */
  sameServerAs: z.string().optional(),
});
export type KubeconfigContext = z.infer<typeof kubeconfigContext>;

/** A kubeconfig that was read and is kept in the backend's memory until its contexts are added, or it is forgotten. */
export const kubeconfigDraft = z.object({ draftId: z.string(), origin: z.string(), contexts: z.array(kubeconfigContext) });
export type KubeconfigDraft = z.infer<typeof kubeconfigDraft>;

/** The certificate at the end of the chain that a server shows, where the kubeconfig does not vouch for it. */
export const presentedAuthority = z.object({
  /** SHA-256, in pairs of hexadecimal digits with colons. */
  fingerprint: z.string(),
  subject: z.string(),
  validUntil: z.number(),
});

export const diagnosis = z.object({
  /** In the order in which they were looked at; the first blocker is the last one. */
  checks: z.array(check),
  usable: z.boolean(),
  /** To be trusted or not, by whoever can compare the fingerprint. */
  authority: presentedAuthority.optional(),
});
export type Diagnosis = z.infer<typeof diagnosis>;

const draftContext = z.object({
  draftId: z.string(),
  context: z.string(),
  /** The program that may be run, as it was shown. */
  program: z.string().optional(),
  /** Fingerprint of the authority that is to be trusted instead of the kubeconfig's. */
  trust: z.string().optional(),
});

export const clusterCalls = {
  /** Reads a kubeconfig: its text, a file of this computer, or those that kubectl would use. */
  'clusters.read': {
    input: z.union([
      z.object({ text: z.string(), origin: z.string().max(300) }),
      z.object({ path: z.string() }),
      z.object({ usual: z.literal(true) }),
    ]),
    output: z.object({ drafts: z.array(kubeconfigDraft) }),
  },
  'clusters.forget': { input: z.object({ draftId: z.string() }), output: z.object({}) },
  /** Tries the way to the cluster, step by step. */
  'clusters.test': { input: draftContext, output: diagnosis },
  'clusters.add': { input: draftContext.extend({ name: z.string().trim().min(1).max(80) }), output: z.object({ clusterId: z.string() }) },
  /** Tries at once again, over new connections and with new credentials where the kubeconfig has a source of them. */
  'clusters.reconnect': { input: z.object({ clusterId: z.string() }), output: z.object({}) },
  /** The same steps for a cluster that was added. */
  'clusters.diagnose': { input: z.object({ clusterId: z.string() }), output: diagnosis },
  'clusters.rename': { input: z.object({ clusterId: z.string(), name: z.string().trim().min(1).max(80) }), output: z.object({}) },
  /** Forgets the cluster; nothing happens to it. */
  'clusters.remove': { input: z.object({ clusterId: z.string() }), output: z.object({}) },
  /** The kubeconfig with its credentials, for a person to keep. */
  'clusters.export': { input: z.object({ clusterId: z.string() }), output: z.object({ fileName: z.string(), text: z.string() }) },
};

export const clusterTopics = {
  clusters: topic({ params: z.object({}), item: cluster, key: (item) => item.id }),
  nodes: topic({ params: z.object({ clusterId: z.string().optional() }), item: node, key: (item) => item.key }),
};

/** Types of the kinds that say how much there is of something: quotas, pods' requests, storage capacities. */
import type { KubeObject } from './object.ts';

export interface ResourceQuota extends KubeObject {
  spec?: { hard?: Record<string, string>; scopes?: string[]; scopeSelector?: unknown };
  status?: { hard?: Record<string, string>; used?: Record<string, string> };
}

interface Container {
  name: string;
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
  /** Of an init container: `Always` keeps it running beside the others. */
  restartPolicy?: string;
}

export interface Pod extends KubeObject {
  spec: { nodeName?: string; containers: Container[]; initContainers?: Container[]; overhead?: Record<string, string> };
  status?: { phase?: string };
}

export interface CsiStorageCapacity extends KubeObject {
  storageClassName: string;
  /** Nodes that reach this storage; absent: none does. An empty one: all. */
  nodeTopology?: {
    matchLabels?: Record<string, string>;
    matchExpressions?: { key: string; operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'; values?: string[] }[];
  };
  capacity?: string;
  maximumVolumeSize?: string;
}

/** What is known of a cluster's room when a placement is judged. Absent parts are not known: not there, or not to be read. */
import type { Cluster } from '#shared/contract/clusters.ts';
import type { CsiStorageCapacity, Pod, ResourceQuota } from '#shared/kube/capacity.ts';
import type { KubeNode, StorageClass } from '#shared/kube/core.ts';
import type { VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import type { LonghornNode } from '#shared/kube/longhorn.ts';

/** How KubeVirt, and Harvester through it, turns what a machine has into what its pod asks for. */
export interface Ratios {
  /** Virtual processors for one of a node's (KubeVirt's `cpuAllocationRatio`). */
  cpuAllocation: number;
  /** Of a machine's memory its pod asks for hundred parts in so many (KubeVirt's `memoryOvercommit`). */
  memoryOvercommit: number;
  /** KubeVirt's `additionalGuestMemoryOverheadRatio`. */
  overhead: number;
  /** Harvester's `overcommit-config`, in percent; there requests are written by its webhook. */
  harvester?: { cpu: number; memory: number };
}

export const kubeVirtRatios: Ratios = { cpuAllocation: 10, memoryOvercommit: 100, overhead: 1 };
/** Harvester's own default of `overcommit-config` (harvester's pkg/settings). */
export const harvesterOvercommit = { cpu: 1000, memory: 150 };

export interface LonghornRoom {
  nodes: readonly LonghornNode[];
  /** Percent; `storage-over-provisioning-percentage` and `storage-minimal-available-percentage`. */
  overProvisioning: number;
  minimalAvailable: number;
}

export interface StorageRoom {
  classes?: readonly StorageClass[];
  capacities?: readonly CsiStorageCapacity[];
  longhorn?: LonghornRoom;
}

/** What is asked for now and then, beside what is watched. */
export interface AskedRoom extends StorageRoom {
  ratios: Ratios;
  quotas?: readonly ResourceQuota[];
  /** Pods that are no machines'. */
  otherPods?: readonly Pod[];
  /** Memory that programs use now, in bytes, by node. */
  memoryUsed?: ReadonlyMap<string, number>;
}

export interface Room extends AskedRoom {
  flavour: Cluster['flavour'];
  /** `this computer`, or the cluster's name. */
  place: string;
  nodes: readonly KubeNode[];
  instances: readonly VirtualMachineInstance[];
}

/** Types of Longhorn's kinds (`longhorn.io/v1beta2`), as far as Hayloft reads their fields. Amounts are bytes. */
import type { Condition, KubeObject } from './object.ts';

export interface LonghornDiskStatus {
  storageAvailable?: number;
  storageScheduled?: number;
  storageMaximum?: number;
  conditions?: Condition[];
}

export interface LonghornNode extends KubeObject {
  spec: {
    allowScheduling?: boolean;
    evictionRequested?: boolean;
    disks?: Record<string, { path?: string; allowScheduling?: boolean; evictionRequested?: boolean; storageReserved?: number; tags?: string[] }>;
    tags?: string[];
  };
  status?: { conditions?: Condition[]; diskStatus?: Record<string, LonghornDiskStatus> };
}

/** A setting has its value beside its metadata. */
export interface LonghornSetting extends KubeObject {
  value?: string;
}

/** Longhorn writes sizes of volumes as text, and what they take as a number. */
export interface LonghornVolume extends KubeObject {
  spec: { size?: string; numberOfReplicas?: number; backingImage?: string };
  status?: {
    state?: string;
    /** `unknown` while it is detached, which is no fault; `faulted` is told of detached volumes, too. */
    robustness?: string;
    conditions?: Condition[];
    actualSize?: number;
    currentNodeID?: string;
    isStandby?: boolean;
    /** Its contents have yet to come from a backup. */
    restoreRequired?: boolean;
    kubernetesStatus?: { namespace?: string; pvcName?: string; pvName?: string };
  };
}

/** One copy of a volume. */
export interface LonghornReplica extends KubeObject {
  spec: { volumeName?: string; nodeID?: string; volumeSize?: string; /** When it failed; empty while it is good. */ failedAt?: string };
  status?: { currentState?: string };
}

export interface LonghornEngine extends KubeObject {
  spec: { volumeName?: string };
  status?: { rebuildStatus?: Record<string, { isRebuilding?: boolean; progress?: number }> | null };
}

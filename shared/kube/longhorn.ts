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
    disks?: Record<string, { allowScheduling?: boolean; evictionRequested?: boolean; storageReserved?: number; tags?: string[] }>;
    tags?: string[];
  };
  status?: { conditions?: Condition[]; diskStatus?: Record<string, LonghornDiskStatus> };
}

/** A setting has its value beside its metadata. */
export interface LonghornSetting extends KubeObject {
  value?: string;
}

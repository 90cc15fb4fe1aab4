/** Types of CDI's kinds (`cdi.kubevirt.io/v1beta1`, `upload.cdi.kubevirt.io/v1beta1`). */
import type { AccessMode, PersistentVolumeClaimSpec, VolumeMode } from './core.ts';
import type { Condition, KubeObject } from './object.ts';

export interface DataVolumeSource {
  blank?: Record<string, never>;
  upload?: Record<string, never>;
  http?: {
    url: string;
    checksum?: string;
    secretRef?: string;
    certConfigMap?: string;
    extraHeaders?: string[];
    secretExtraHeaders?: string[];
  };
  pvc?: { name: string; namespace?: string };
}

export interface DataVolumeStorage {
  accessModes?: AccessMode[];
  volumeMode?: VolumeMode;
  storageClassName?: string;
  resources?: { requests?: { storage?: string } };
}

export interface DataVolumeSpec {
  source?: DataVolumeSource;
  storage?: DataVolumeStorage;
  pvc?: PersistentVolumeClaimSpec;
  contentType?: 'kubevirt' | 'archive';
  preallocation?: boolean;
}

export type DataVolumePhase =
  | ''
  | 'Pending'
  | 'PVCBound'
  | 'ImportScheduled'
  | 'ImportInProgress'
  | 'CloneScheduled'
  | 'CloneInProgress'
  | 'UploadScheduled'
  | 'UploadReady'
  | 'WaitForFirstConsumer'
  | 'PendingPopulation'
  | 'Succeeded'
  | 'Failed'
  | 'Unknown'
  | 'Paused';

export interface DataVolume extends KubeObject {
  spec: DataVolumeSpec;
  status?: {
    claimName?: string;
    phase?: DataVolumePhase;
    /** `"45.23%"`, or `"N/A"` where nobody counts: uploads on CDI. */
    progress?: string;
    restartCount?: number;
    conditions?: Condition[];
  };
}

export interface UploadTokenRequest extends KubeObject {
  spec: { pvcName: string };
  status?: { token?: string };
}

export interface CdiConfig extends KubeObject {
  spec?: { uploadProxyURLOverride?: string };
  status?: { uploadProxyURL?: string; uploadProxyCA?: string };
}

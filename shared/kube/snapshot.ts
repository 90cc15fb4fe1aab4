/** Types of KubeVirt's snapshots (`snapshot.kubevirt.io/v1beta1`) and of the volume snapshots below them. */
import type { PersistentVolumeClaimSpec } from './core.ts';
import type { VirtualMachine } from './kubevirt.ts';
import type { Condition, KubeObject, ObjectMeta } from './object.ts';

export interface SourceReference {
  apiGroup?: string;
  kind: string;
  name: string;
}

export interface SnapshotError {
  time?: string;
  message?: string;
}

export type SnapshotIndication = 'Online' | 'NoGuestAgent' | 'GuestAgent' | 'QuiesceFailed' | 'QuiesceTimeout' | 'Paused' | 'PartialSnapshot';

export interface VirtualMachineSnapshot extends KubeObject {
  spec: { source: SourceReference; deletionPolicy?: 'Delete' | 'Retain'; failureDeadline?: string };
  status?: {
    sourceUID?: string;
    virtualMachineSnapshotContentName?: string;
    creationTime?: string;
    phase?: '' | 'InProgress' | 'Succeeded' | 'Failed' | 'Deleting' | 'Unknown';
    readyToUse?: boolean;
    error?: SnapshotError;
    conditions?: Condition[];
    indications?: SnapshotIndication[];
    sourceIndications?: { indication: SnapshotIndication; message: string }[];
    snapshotVolumes?: { includedVolumes?: string[]; excludedVolumes?: string[] };
  };
}

export interface VolumeBackup {
  volumeName: string;
  persistentVolumeClaim: { metadata: ObjectMeta; spec: PersistentVolumeClaimSpec };
  volumeSnapshotName?: string;
}

export interface VirtualMachineSnapshotContent extends KubeObject {
  spec: {
    virtualMachineSnapshotName?: string;
    source: { virtualMachine?: Pick<VirtualMachine, 'spec' | 'status' | 'metadata'> };
    volumeBackups?: VolumeBackup[];
  };
  status?: {
    creationTime?: string;
    readyToUse?: boolean;
    error?: SnapshotError;
    volumeSnapshotStatus?: { volumeSnapshotName: string; creationTime?: string; readyToUse?: boolean; error?: SnapshotError }[];
  };
}

export interface VolumeRestore {
  volumeName: string;
  persistentVolumeClaim: string;
  volumeSnapshotName: string;
  dataVolumeName?: string;
}

export interface VirtualMachineRestore extends KubeObject {
  spec: {
    target: SourceReference;
    virtualMachineSnapshotName: string;
    targetReadinessPolicy?: 'StopTarget' | 'WaitGracePeriod' | 'FailImmediate' | 'WaitEventually';
    volumeRestorePolicy?: 'RandomizeNames' | 'InPlace' | 'PrefixTargetName';
    volumeOwnershipPolicy?: 'Vm' | 'None';
    volumeRestoreOverrides?: { volumeName: string; restoreName?: string; labels?: Record<string, string>; annotations?: Record<string, string> }[];
    /** JSON patch operations, a text each, for a target that is made. */
    patches?: string[];
  };
  status?: {
    complete?: boolean;
    restoreTime?: string;
    conditions?: Condition[];
    restores?: VolumeRestore[];
    deletedDataVolumes?: string[];
  };
}

/** `snapshot.storage.k8s.io/v1` */
export interface VolumeSnapshot extends KubeObject {
  spec: { source: { persistentVolumeClaimName?: string }; volumeSnapshotClassName?: string };
  status?: { boundVolumeSnapshotContentName?: string; creationTime?: string; readyToUse?: boolean; restoreSize?: string; error?: SnapshotError };
}

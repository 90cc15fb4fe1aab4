/** Types of KubeVirt's live migrations (`kubevirt.io/v1`). */
import type { Condition, KubeObject } from './object.ts';

export type MigrationPhase =
  | ''
  | 'Pending'
  | 'Scheduling'
  | 'Scheduled'
  | 'PreparingTarget'
  | 'TargetReady'
  | 'Running'
  | 'WaitingForSync'
  | 'Synchronizing'
  | 'Succeeded'
  | 'Failed';

/** Of a migration, and of the instance that is moved. */
export interface MigrationState {
  migrationUid?: string;
  sourceNode?: string;
  targetNode?: string;
  startTimestamp?: string;
  endTimestamp?: string;
  completed?: boolean;
  failed?: boolean;
  failureReason?: string;
  abortRequested?: boolean;
  abortStatus?: string;
  mode?: 'PreCopy' | 'PostCopy' | 'Paused';
}

export interface VirtualMachineInstanceMigration extends KubeObject {
  spec: { vmiName?: string; addedNodeSelector?: Record<string, string> };
  status?: { phase?: MigrationPhase; conditions?: Condition[]; migrationState?: MigrationState };
}

/** Types of KubeVirt's clones (`clone.kubevirt.io/v1beta1`). */
import type { Condition, KubeObject } from './object.ts';
import type { SourceReference } from './snapshot.ts';

export type ClonePhase = '' | 'SnapshotInProgress' | 'CreatingTargetVM' | 'RestoreInProgress' | 'Succeeded' | 'Failed' | 'Unknown';

export interface VirtualMachineClone extends KubeObject {
  spec: {
    source: SourceReference;
    target?: SourceReference;
    annotationFilters?: string[];
    labelFilters?: string[];
    template?: { annotationFilters?: string[]; labelFilters?: string[] };
    newMacAddresses?: Record<string, string>;
    newSMBiosSerial?: string;
    patches?: string[];
    volumeNamePolicy?: 'RandomizeNames' | 'PrefixTargetName';
  };
  status?: {
    creationTime?: string;
    phase?: ClonePhase;
    conditions?: Condition[];
    snapshotName?: string;
    restoreName?: string;
    targetName?: string;
  };
}

/** Types of KubeVirt's exports (`export.kubevirt.io`): disks and the machine's definition, to be downloaded. */
import type { Condition, KubeObject } from './object.ts';
import type { SourceReference } from './snapshot.ts';

/** All that any KubeVirt serves, the oldest first; in each an export looks the same. */
export const EXPORT_VERSIONS = ['v1alpha1', 'v1beta1', 'v1'] as const;

/** Where this project's engine takes back what a machine's firmware and TPM remember; clusters have no such group. */
export const STATE_GROUP = 'state.hayloft.io';

/** Header, or parameter of the query, that opens the downloads of one export. */
export const EXPORT_TOKEN_HEADER = 'x-kubevirt-export-token';

export interface ExportVolume {
  name: string;
  formats?: { format: 'raw' | 'gzip' | 'tar.gz'; url: string }[];
}

export interface ExportLink {
  /** Certificates to trust there, PEM. */
  cert: string;
  volumes?: ExportVolume[];
  manifests?: { type: 'all' | 'auth-header-secret'; url: string }[];
}

export interface VirtualMachineExport extends KubeObject {
  spec: {
    source: SourceReference;
    /** Name of a Secret whose `token` opens the downloads. */
    tokenSecretRef?: string;
    /** Like `2h0m0s`, which is the default. */
    ttlDuration?: string;
  };
  status?: {
    phase?: 'Pending' | 'Ready' | 'Terminated' | 'Skipped';
    links?: { internal?: ExportLink; external?: ExportLink };
    tokenSecretRef?: string;
    ttlExpirationTime?: string;
    virtualMachineName?: string;
    serviceName?: string;
    conditions?: Condition[];
  };
}

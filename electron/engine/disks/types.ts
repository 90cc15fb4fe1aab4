/** What the rest of the engine may know about disks. */

export type DiskFormat = 'raw' | 'qcow2';

export interface DiskFile {
  /** Absolute path of the file that QEMU opens. */
  path: string;
  format: DiskFormat;
  /** What the guest sees, in bytes. */
  virtualSizeBytes: number;
  /** What it takes on the host's disk, in bytes. */
  allocatedBytes: number;
  /** Whoever uses it may not change it. */
  readOnly?: boolean;
}

export type DiskState =
  | { state: 'ready'; file: DiskFile }
  /** No such claim. */
  | { state: 'missing' }
  /** There is a claim and its content is still on the way (or failed to come): `phase` is the DataVolume's. */
  | { state: 'pending'; phase: string; message: string };

/**
 * Makes a disk larger that a running machine has open. Implemented by whoever runs machines, used by disks.
 * @returns false where no guest has it open (any more, or yet)
 */
export type GrowOpenDisk = (namespace: string, claimName: string, bytes: number) => Promise<boolean>;

/** Finds the file behind a claim. Implemented by the disks module, used by machines. */
export interface DiskCatalog {
  find(namespace: string, claimName: string): DiskState;
}

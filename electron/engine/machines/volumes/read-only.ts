/** A claim that a machine may read and not write. */
import type { Volume } from '#shared/kube/kubevirt.ts';
import type { DiskFile } from '../../disks/types.ts';

/** The volume's file as the machine is to open it. */
export const asUsed = ({ persistentVolumeClaim }: Volume, file: DiskFile): DiskFile =>
  persistentVolumeClaim?.readOnly === true ? { ...file, readOnly: true } : file;

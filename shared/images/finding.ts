/** What can be told about a file from its first bytes. */
import type { ErrorCode } from '../contract/hayloft-error.ts';

export type ImageFormat = 'iso9660' | 'udf' | 'raw' | 'qcow2' | 'vmdk' | 'vdi' | 'vhdx' | 'vhd';
/** What a packed image may be packed with. */
export type Packing = 'gzip' | 'xz' | 'zstd';
export type Firmware = 'bios' | 'uefi';

/** Why a file is of no use as an image: what a HayloftError is made of. */
export interface ImageProblem {
  code: Extract<ErrorCode, 'not-an-image' | 'truncated' | 'unsupported'>;
  message: string;
  hint: string;
}

export interface ImageFinding {
  /** `iso` and `disk` are images, as long as there is no `problem`. */
  kind: 'iso' | 'disk' | 'compressed' | 'archive' | 'text' | 'empty' | 'unknown';
  format?: ImageFormat;
  /** Of a `compressed` file that the engine can unpack. */
  packing?: Packing;
  /** The volume's name as its maker wrote it. */
  label?: string;
  /** The disk that a guest will see, in bytes, where the header tells. */
  virtualSizeBytes?: number;
  /** The file is shorter than its own header says: `expectedSizeBytes` is what it should at least be. */
  truncated: boolean;
  expectedSizeBytes?: number;
  /** An ISO that starts machines has a boot record; `boots` names the firmware, as far as it could be read. */
  bootable?: boolean;
  boots?: Firmware[];
  /** An ISO that can also be written to a USB stick: it begins with a partition table. */
  hybrid?: boolean;
  problem?: ImageProblem;
}

/** What the formats are called when a person reads about them. */
export const formatNames: Record<ImageFormat, string> = {
  iso9660: 'ISO image',
  udf: 'UDF image',
  raw: 'raw disk image',
  qcow2: 'QCOW2 disk image',
  vmdk: 'VMware disk (VMDK)',
  vdi: 'VirtualBox disk (VDI)',
  vhdx: 'Hyper-V disk (VHDX)',
  vhd: 'Virtual PC disk (VHD)',
};

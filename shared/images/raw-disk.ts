/** Raw disk images: no header of their own, so they are known by the partition table or file system they begin with. */
import { hasText, u16, u32, u64 } from './bytes.ts';
import type { ImageFinding } from './finding.ts';
import { withExpectedSize } from './truncation.ts';

const block = 512;

/** Signatures of file systems and volume managers that may fill a disk without a partition table. */
const contents: readonly { offset: number; text: string }[] = [
  { offset: 1080, text: '\x53\xef' }, // ext2, ext3, ext4
  { offset: 0, text: 'XFSB' },
  { offset: 0x10040, text: '_BHRfS_M' }, // btrfs
  { offset: 512, text: 'LABELONE' }, // LVM
  { offset: 0, text: 'LUKS\xba\xbe' },
  { offset: 4086, text: 'SWAPSPACE2' },
  { offset: 0, text: 'hsqs' }, // squashfs
  { offset: 1024, text: '\x10\x20\xf5\xf2' }, // F2FS
];

/** The finding for a raw disk image, or undefined when nothing on it is known. */
export function recognizeRawDisk(head: Uint8Array, sizeBytes: number | undefined): ImageFinding | undefined {
  const finding: ImageFinding = { kind: 'disk', format: 'raw', truncated: false };
  if (sizeBytes !== undefined) finding.virtualSizeBytes = sizeBytes;
  const expected = gptBytes(head) ?? mbrBytes(head);
  if (expected !== undefined) return withExpectedSize(finding, expected, sizeBytes);
  return contents.some(({ offset, text }) => hasText(head, offset, text)) ? finding : undefined;
}

/** Size of a disk with a GUID partition table: the header names the block of its own copy, which is the last. */
function gptBytes(head: Uint8Array): number | undefined {
  for (const size of [block, 4096]) {
    if (hasText(head, size, 'EFI PART')) return ((u64(head, size + 32) ?? 0) + 1) * size;
  }
  return undefined;
}

/** The end of the last partition of a master boot record; 512 for a boot sector without a table (floppies, odd systems). */
function mbrBytes(head: Uint8Array): number | undefined {
  if (u16(head, 510) !== 0xaa55) return undefined;
  const bootSector = head[0] === 0xeb || head[0] === 0xe9;
  if (bootSector && (hasText(head, 3, 'NTFS') || hasText(head, 54, 'FAT') || hasText(head, 82, 'FAT'))) return block;
  let end = 0;
  for (let entry = 446; entry < 510; entry += 16) {
    const status = head[entry];
    if (status !== 0 && status !== 0x80) return block;
    const type = head[entry + 4];
    const start = u32(head, entry + 8) ?? 0;
    const blocks = u32(head, entry + 12) ?? 0;
    // 0xee stands in for a GUID partition table and may claim the largest number there is.
    if (type !== 0 && type !== 0xee) end = Math.max(end, start + blocks);
  }
  if (end > 0) return end * block;
  return head.subarray(0, 440).some((byte) => byte !== 0) ? block : undefined;
}

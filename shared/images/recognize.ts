/**
 * Tells what a file is from its first bytes, wherever those come from: before an upload (backend, renderer) and as
 * they arrive (engine). Nothing but the bytes counts; the file's name is never looked at.
 */
import type { ImageFinding } from './finding.ts';
import { recognizeIso } from './iso.ts';
import { describeOther, recognizePacked } from './other-files.ts';
import { recognizeRawDisk } from './raw-disk.ts';
import { recognizeVirtualDisk } from './virtual-disks.ts';

/** How much of a file's beginning to hand in; less only where the file has no more. */
export const HEAD_BYTES = 256 * 1024;

/**
 * @param head the file's first {@link HEAD_BYTES}
 * @param sizeBytes the whole file's size; undefined when it is not known (then nothing counts as truncated)
 * @returns what the file is; `problem` is set unless it can be used as an image
 */
export function recognize(head: Uint8Array, sizeBytes: number | undefined): ImageFinding {
  return (
    recognizeVirtualDisk(head) ??
    recognizeIso(head, sizeBytes) ??
    recognizePacked(head) ??
    recognizeRawDisk(head, sizeBytes) ??
    describeOther(head)
  );
}

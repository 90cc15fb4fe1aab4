/** The part of a qcow2 file's header that says how large the disk is and what it is based on. Format: QEMU's docs/interop/qcow2. */
import { closeSync, openSync, readSync } from 'node:fs';

export interface Qcow2Header {
  virtualSizeBytes: number;
  /** As it is written in the file: a name beside it, or a whole path. */
  backingFile: string | undefined;
}

const headBytes = 4096;
const magic = 0x514649fb;
const longestName = 1023;

/** @returns undefined when the file is no qcow2 file, or cannot be read */
export function readQcow2Header(path: string): Qcow2Header | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    const head = Buffer.alloc(headBytes);
    if (readSync(file, head, 0, headBytes, 0) < 32 || head.readUInt32BE(0) !== magic) return undefined;
    const offset = Number(head.readBigUInt64BE(8));
    const length = Math.min(head.readUInt32BE(16), longestName);
    const virtualSizeBytes = Number(head.readBigUInt64BE(24));
    if (offset === 0 || length === 0) return { virtualSizeBytes, backingFile: undefined };
    const name = Buffer.alloc(length);
    readSync(file, name, 0, length, offset);
    return { virtualSizeBytes, backingFile: name.toString() };
  } finally {
    closeSync(file);
  }
}

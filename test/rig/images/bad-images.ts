/** Files that must be refused, and one that takes long enough to be measured. Each goes into the folder given. */
import { randomFillSync } from 'node:crypto';
import { closeSync, copyFileSync, ftruncateSync, openSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { tool } from './cache.ts';

/** The first half of an ISO, as a broken download leaves it. */
export function truncatedIso(folder: string, iso: string): string {
  const path = join(folder, 'truncated.iso');
  copyFileSync(iso, path);
  truncateSync(path, Math.floor(statSync(iso).size / 2));
  return path;
}

/** Plain text under an ISO's name. */
export function textIso(folder: string): string {
  const path = join(folder, 'text.iso');
  writeFileSync(path, 'This is not an installer.\n'.repeat(4000));
  return path;
}

/** A QCOW2 file that would show a guest another file of the host. */
export function qcow2WithBackingFile(folder: string, backing = '/etc/passwd'): string {
  const path = join(folder, 'backing.qcow2');
  tool('qemu-img', ['create', '-q', '-u', '-f', 'qcow2', '-b', backing, '-F', 'raw', path, '1M']);
  return path;
}

/** A raw disk with one partition, full of noise (nothing along the way can make it smaller). */
export function rawImage(folder: string, sizeBytes: number, name = 'noise.raw'): string {
  const path = join(folder, name);
  const chunk = randomFillSync(Buffer.allocUnsafe(16 * 1024 * 1024));
  const file = openSync(path, 'w');
  try {
    for (let at = 0; at < sizeBytes; ) at += writeSync(file, chunk, 0, Math.min(chunk.length, sizeBytes - at), at);
    ftruncateSync(file, sizeBytes);
    const table = Buffer.alloc(66);
    table.writeUInt8(0x83, 4);
    table.writeUInt32LE(1, 8);
    table.writeUInt32LE(Math.max(1, Math.floor(sizeBytes / 512) - 1), 12);
    table.writeUInt16LE(0xaa55, 64);
    writeSync(file, table, 0, table.length, 446);
  } finally {
    closeSync(file);
  }
  return path;
}

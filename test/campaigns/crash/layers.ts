/**
 * Reads disks' files as they lie there, without the engine and without QEMU, so that a guest may have them open.
 * Format: QEMU's docs/interop/qcow2.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Where on a machine's disk its mark is: one byte, many times over. */
export const markOffset = 512 * 1024;
export const markBytes = 8192;
/** qemu-img(1) on `check`. */
const leaksOnly = 3;
const offsetMask = 0x00ff_ffff_ffff_fe00n;

const isRaw = (path: string): boolean => path.endsWith('.raw');

function read(path: string, position: number, length: number): Buffer {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(length);
    readSync(file, bytes, 0, length, position);
    return bytes;
  } finally {
    closeSync(file);
  }
}

/** The file that this one is only the changes to. */
export function baseOf(path: string): string | undefined {
  if (isRaw(path)) return undefined;
  const header = read(path, 0, 32);
  const offset = Number(header.readBigUInt64BE(8));
  return offset === 0 ? undefined : join(dirname(path), basename(read(path, offset, header.readUInt32BE(16)).toString()));
}

/** The file and all below it. @throws where one of them is missing */
export function chainOf(path: string): string[] {
  const base = baseOf(path);
  return base === undefined ? [path] : [path, ...chainOf(base)];
}

/** The byte of the mark on the disk that ends in this file. @throws Error where it is not all of one */
export function readMark(path: string): number {
  const bytes = readFrom(path, markOffset, markBytes);
  const [mark = 0] = bytes;
  if (!bytes.every((byte) => byte === mark)) throw new Error(`${path} holds a piece of a mark only`);
  return mark;
}

/** Not over the end of a cluster. */
function readFrom(path: string, at: number, length: number): Buffer {
  if (isRaw(path)) return read(path, at, length);
  const header = read(path, 0, 104);
  const clusterBytes = 2 ** header.readUInt32BE(20);
  const perTable = clusterBytes / 8;
  const cluster = Math.floor(at / clusterBytes);
  const table = Number(entry(path, Number(header.readBigUInt64BE(40)), Math.floor(cluster / perTable)) & offsetMask);
  const found = table === 0 ? 0n : entry(path, table, cluster % perTable);
  // The lowest bit: reads as zeroes.
  if ((found & 1n) === 1n) return Buffer.alloc(length);
  const data = Number(found & offsetMask);
  if (data !== 0) return read(path, data + (at % clusterBytes), length);
  const base = baseOf(path);
  return base === undefined ? Buffer.alloc(length) : readFrom(base, at, length);
}

const entry = (path: string, table: number, index: number): bigint => read(path, table + index * 8, 8).readBigUInt64BE();

/** Writes a mark into a disk that nobody has open. @returns false where somebody has */
export function writeMark(path: string, mark: number): boolean {
  try {
    execFileSync('qemu-io', ['-f', isRaw(path) ? 'raw' : 'qcow2', '-c', `write -P ${mark} ${markOffset} ${markBytes}`, path], { stdio: 'pipe' });
    return true;
  } catch (error) {
    if (String((error as { stderr?: unknown }).stderr).includes('lock')) return false;
    throw error;
  }
}

/** What `qemu-img check` says against a file that nobody writes to. */
export function faultIn(path: string): string | undefined {
  if (isRaw(path)) return undefined;
  try {
    execFileSync('qemu-img', ['check', '-U', '-q', path], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    // Room that is lost without being wrong is what a guest leaves whose process was killed.
    if ((error as { status?: number }).status === leaksOnly) return undefined;
    return `${path}: ${String((error as { stdout?: unknown }).stdout)}${String((error as { stderr?: unknown }).stderr)}`;
  }
}

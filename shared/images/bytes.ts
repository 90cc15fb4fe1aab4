/** Reading fields out of a file's first bytes; whatever lies beyond them reads as absent. */

/** Text of single-byte characters at `offset`; shorter where the bytes end. */
export function textAt(bytes: Uint8Array, offset: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(offset, offset + length));
}

/** Whether `text` (characters up to 0xff) stands at `offset`. */
export function hasText(bytes: Uint8Array, offset: number, text: string): boolean {
  return bytes.length >= offset + text.length && textAt(bytes, offset, text.length) === text;
}

type Reader = 'getUint16' | 'getUint32' | 'getBigUint64';

function field(bytes: Uint8Array, reader: Reader, offset: number, size: number, littleEndian: boolean): number | undefined {
  if (bytes.length < offset + size) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Number(view[reader](offset, littleEndian));
}

/** Little-endian unsigned integers; undefined beyond the end. 64-bit ones lose exactness above 2^53. */
export const u16 = (bytes: Uint8Array, offset: number): number | undefined => field(bytes, 'getUint16', offset, 2, true);
export const u32 = (bytes: Uint8Array, offset: number): number | undefined => field(bytes, 'getUint32', offset, 4, true);
export const u64 = (bytes: Uint8Array, offset: number): number | undefined =>
  field(bytes, 'getBigUint64', offset, 8, true);

/** The same, big-endian. */
export const u32be = (bytes: Uint8Array, offset: number): number | undefined =>
  field(bytes, 'getUint32', offset, 4, false);
export const u64be = (bytes: Uint8Array, offset: number): number | undefined =>
  field(bytes, 'getBigUint64', offset, 8, false);

const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];

/** A size for a sentence: `3.2 GiB`, `512 bytes`. */
export function sizeInWords(bytes: number): string {
  const step = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** step;
  return `${step === 0 || value >= 100 ? Math.round(value) : Number(value.toFixed(1))} ${units[step] ?? ''}`;
}

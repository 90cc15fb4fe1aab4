/**
 * How large a packed file is when it is unpacked, from what the packing itself notes. Sources: RFC 1952 (gzip), the .xz
 * file format 1.2, RFC 8878 (zstd).
 */
import type { Packing } from './finding.ts';

/** How much of a packed file's end to hand in; less only where the file has no more. */
export const TAIL_BYTES = 16 * 1024;

/** gzip counts to this and begins anew. */
const gzipWrap = 2 ** 32;
/** A byte of gzip becomes at most so many (zlib's documentation). */
const gzipMost = 1032;

export interface PackedFile {
  /** Its first bytes. */
  head: Uint8Array;
  /** Its last ones; undefined where they cannot be had. */
  tail: Uint8Array | undefined;
  sizeBytes: number;
}

/**
 * @param leastBytes what should be in it at least: gzip tells its size only up to a multiple of 4 GiB
 * @returns undefined where it is not told
 */
export function unpackedBytes(packing: Packing, { head, tail, sizeBytes }: PackedFile, leastBytes: number): number | undefined {
  switch (packing) {
    case 'gzip':
      return tail && gzipBytes(tail, leastBytes, sizeBytes * gzipMost);
    case 'xz':
      return tail && xzBytes(tail);
    case 'zstd':
      return zstdBytes(head);
  }
}

function gzipBytes(tail: Uint8Array, leastBytes: number, mostBytes: number): number | undefined {
  if (tail.length < 4) return undefined;
  const told = view(tail).getUint32(tail.length - 4, true);
  const whole = told + Math.max(0, Math.ceil((leastBytes - told) / gzipWrap)) * gzipWrap;
  return whole <= mostBytes ? whole : told;
}

/** The stream ends in an index of its blocks, and that in a footer of 12 bytes which tells where the index begins. */
function xzBytes(tail: Uint8Array): number | undefined {
  let end = tail.length;
  // Padding comes in fours.
  while (end >= 4 && tail.subarray(end - 4, end).every((byte) => byte === 0)) end -= 4;
  const footer = end - 12;
  if (footer < 0 || tail[end - 2] !== 0x59 || tail[end - 1] !== 0x5a) return undefined;
  let at = footer - (view(tail).getUint32(footer + 4, true) + 1) * 4;
  if (at < 0 || tail[at++] !== 0) return undefined;
  const number = (): number => {
    let value = 0;
    for (let factor = 1; at < footer; factor *= 128) {
      const byte = tail[at++] ?? 0;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    return NaN;
  };
  let sum = 0;
  for (let blocks = number(); blocks > 0; blocks--) {
    number();
    sum += number();
  }
  return Number.isSafeInteger(sum) ? sum : undefined;
}

/** The first frame's header may tell the size of its content; most files are one frame. */
function zstdBytes(head: Uint8Array): number | undefined {
  if (head.length < 18) return undefined;
  const descriptor = head[4] ?? 0;
  const single = (descriptor & 0x20) !== 0;
  const sizeCode = descriptor >> 6;
  const at = 5 + (single ? 0 : 1) + ([0, 1, 2, 4][descriptor & 3] ?? 0);
  const data = view(head);
  switch (sizeCode) {
    case 1:
      return data.getUint16(at, true) + 256;
    case 2:
      return data.getUint32(at, true);
    case 3: {
      const bytes = Number(data.getBigUint64(at, true));
      return Number.isSafeInteger(bytes) ? bytes : undefined;
    }
    default:
      return single ? head[at] : undefined;
  }
}

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

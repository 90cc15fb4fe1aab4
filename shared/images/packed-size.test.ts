import { execFileSync } from 'node:child_process';
import { buffer } from 'node:stream/consumers';
import { createZstdCompress, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Packing } from './finding.ts';
import { TAIL_BYTES, unpackedBytes } from './packed-size.ts';

const content = Buffer.alloc(3_000_000, 'hay');
const xz = (...flags: string[]): Buffer => execFileSync('xz', ['-c', ...flags], { input: content });
/** One who does not know how much will come. */
async function zstdStream(): Promise<Buffer> {
  const packing = createZstdCompress();
  packing.end(content);
  return buffer(packing);
}
const told = (packing: Packing, file: Uint8Array, least = 0, sizeBytes = file.length): number | undefined =>
  unpackedBytes(packing, { head: file, tail: file.subarray(-TAIL_BYTES), sizeBytes }, least);

describe('the size of what is packed', () => {
  it('is told by gzip, up to multiples of 4 GiB', () => {
    expect(told('gzip', gzipSync(content))).toBe(content.length);
    expect(told('gzip', gzipSync(content), 2 ** 32, 2 ** 24)).toBe(content.length + 2 ** 32);
    // So few bytes cannot become so many: what should be in it is not.
    expect(told('gzip', gzipSync(content), 2 ** 32)).toBe(content.length);
    expect(unpackedBytes('gzip', { head: gzipSync(content), tail: undefined, sizeBytes: 1 }, 0)).toBeUndefined();
  });

  it('is told by xz for all its blocks together, also with padding after them', () => {
    expect(told('xz', xz())).toBe(content.length);
    expect(told('xz', xz('--block-size=100000'))).toBe(content.length);
    expect(told('xz', Buffer.concat([xz(), Buffer.alloc(8)]))).toBe(content.length);
    expect(told('xz', xz().subarray(0, -20))).toBeUndefined();
  });

  it('is told by zstd where its maker knew it', async () => {
    for (const length of [0, 200, 300, 70_000, 3_000_000]) {
      expect(told('zstd', Buffer.concat([zstdCompressSync(content.subarray(0, length)), Buffer.alloc(18)]))).toBe(length);
    }
    expect(told('zstd', await zstdStream())).toBeUndefined();
  });
});

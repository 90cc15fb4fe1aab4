import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { HayloftError } from '#shared/contract/errors.ts';
import type { Packing } from '#shared/images/finding.ts';
import { rigImage } from '../../../test/rig/images/rig-image.ts';
import { lookInside, type Inside } from './packed.ts';
import { fileSource } from './upload-source.ts';

const folder = mkdtempSync(join(tmpdir(), 'hayloft-packed-'));
afterAll(() => rmSync(folder, { recursive: true }));

const xz = (bytes: Uint8Array): Buffer => execFileSync('xz', ['-c', '-1'], { input: bytes, maxBuffer: 2 ** 28 });
const pack: Record<Packing, (bytes: Uint8Array) => Buffer> = { gzip: (bytes) => gzipSync(bytes), xz, zstd: (bytes) => zstdCompressSync(bytes) };

async function look(packing: Packing, packed: Uint8Array): Promise<Inside> {
  const path = join(folder, `${packing}.bin`);
  writeFileSync(path, packed);
  return lookInside(await fileSource(path), packing);
}

describe('a look into a packed image', () => {
  it.each<Packing>(['gzip', 'xz', 'zstd'])('of %s finds ISO files and disks, and how large they are', async (packing) => {
    const iso = readFileSync(rigImage('ipxe-iso'));
    expect(await look(packing, pack[packing](iso))).toMatchObject({ finding: { kind: 'iso' }, diskBytes: iso.length });

    const disk = join(folder, 'disk.qcow2');
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', disk, '5G']);
    expect(await look(packing, pack[packing](readFileSync(disk)))).toMatchObject({ finding: { kind: 'disk', format: 'qcow2' }, diskBytes: 5 * 2 ** 30 });
  });

  it('refuses what is no image inside, what is packed twice, and what does not tell its size', async () => {
    const code = (packing: Packing, packed: Uint8Array): Promise<unknown> =>
      look(packing, packed).then(() => 'taken', (error: unknown) => error instanceof HayloftError && error.code);
    const iso = readFileSync(rigImage('ipxe-iso'));
    expect(await code('gzip', gzipSync('just a text'))).toBe('not-an-image');
    expect(await code('gzip', gzipSync(gzipSync(iso)))).toBe('unsupported');
    expect(await code('xz', xz(iso).subarray(0, -100))).toBe('unsupported');
    const truncated = join(folder, 'cut.iso');
    writeFileSync(truncated, iso);
    truncateSync(truncated, 100_000);
    expect(await code('gzip', gzipSync(readFileSync(truncated)))).toBe('truncated');
  });
});

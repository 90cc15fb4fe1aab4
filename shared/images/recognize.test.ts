import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ImageFinding } from './finding.ts';
import { HEAD_BYTES, recognize } from './recognize.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hayloft-recognize-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function look(path: string, sizeBytes = statSync(path).size): ImageFinding {
  const head = new Uint8Array(Math.min(HEAD_BYTES, statSync(path).size));
  const file = openSync(path, 'r');
  readSync(file, head, 0, head.length, 0);
  closeSync(file);
  return recognize(head, sizeBytes);
}

function made(name: string, content: string | Uint8Array, grownTo?: number): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  if (grownTo !== undefined) truncateSync(path, grownTo);
  return path;
}

function qemuImg(name: string, ...args: string[]): string {
  const path = join(folder, name);
  execFileSync('qemu-img', [...args.map((arg) => (arg === '@' ? path : arg))], { stdio: 'pipe' });
  return path;
}

describe('disc images', () => {
  const ipxe = '/usr/lib/ipxe/ipxe.iso';

  it('reads label, boot records and hybrid mark of a real bootable ISO', () => {
    expect(look(ipxe)).toMatchObject({
      kind: 'iso',
      format: 'iso9660',
      label: 'ISOIMAGE',
      bootable: true,
      boots: ['bios', 'uefi'],
      truncated: false,
    });
    expect(look(ipxe).problem).toBeUndefined();
  });

  it('sees that an ISO ends before its volume does, and forgives missing padding', () => {
    const volume = 845 * 2048;
    const short = look(ipxe, 900_000);
    expect(short).toMatchObject({ truncated: true, expectedSizeBytes: volume, problem: { code: 'truncated' } });
    expect(short.problem?.message).toContain('it has 879 KiB and should have 1.7 MiB');
    expect(look(ipxe, volume - 150 * 2048).truncated).toBe(false);
    expect(look(ipxe, volume - 150 * 2048 - 1).truncated).toBe(true);
  });

  it('reads a plain data disc and a UDF bridge', () => {
    made('readme.txt', 'hello');
    const iso = join(folder, 'data.iso');
    execFileSync('genisoimage', ['-quiet', '-udf', '-V', 'MY DATA', '-o', iso, join(folder, 'readme.txt')]);
    expect(look(iso)).toMatchObject({ kind: 'iso', label: 'MY DATA', bootable: false, boots: [], hybrid: false });
  });
});

describe("hypervisors' disks, made by the real qemu-img", () => {
  const size = 64 * 1024 * 1024;
  it.each([
    ['qcow2', 'qcow2'],
    ['vmdk', 'vmdk'],
    ['vdi', 'vdi'],
    ['vpc', 'vhd'],
  ] as const)('%s', (format, expected) => {
    const path = qemuImg(`d.${format}`, 'create', '-q', '-f', format, ...(format === 'vpc' ? ['-o', 'force_size=on'] : []), '@', '64M');
    expect(look(path)).toMatchObject({ kind: 'disk', format: expected, virtualSizeBytes: size });
    expect(look(path).problem).toBeUndefined();
  });

  it('vhdx', () => {
    expect(look(qemuImg('d.vhdx', 'create', '-q', '-f', 'vhdx', '@', '64M'))).toMatchObject({ kind: 'disk', format: 'vhdx' });
  });

  it('refuses images that would open other files of the host', () => {
    const base = qemuImg('base.qcow2', 'create', '-q', '-f', 'qcow2', '@', '64M');
    const overlay = qemuImg('over.qcow2', 'create', '-q', '-f', 'qcow2', '-b', base, '-F', 'qcow2', '@');
    const external = qemuImg('ext.qcow2', 'create', '-q', '-f', 'qcow2', '-o', `data_file=${join(folder, 'ext.raw')}`, '@', '64M');
    const flat = qemuImg('flat.vmdk', 'create', '-q', '-f', 'vmdk', '-o', 'subformat=monolithicFlat', '@', '64M');
    const parent = qemuImg('parent.vmdk', 'create', '-q', '-f', 'vmdk', '@', '64M');
    const child = qemuImg('child.vmdk', 'create', '-q', '-f', 'vmdk', '-b', parent, '-F', 'vmdk', '@');
    // Neither is looked for: they are only written into the header.
    const secret = qemuImg('secret.qcow2', 'create', '-q', '-f', 'qcow2', '-u', '-b', '/etc/shadow', '-F', 'raw', '@', '1M');
    const remote = qemuImg('remote.qcow2', 'create', '-q', '-f', 'qcow2', '-u', '-b', 'json:{"driver":"https","url":"https://images.invalid/a"}', '-F', 'raw', '@', '1M');
    for (const path of [overlay, external, flat, child, secret, remote]) {
      expect(look(path).problem, path).toMatchObject({ code: 'unsupported' });
    }
  });
});

describe('raw disks', () => {
  it('knows partition tables and measures the file against them', () => {
    const mib = 1024 * 1024;
    const mbr = (type: number, start: number, blocks: number): Uint8Array => {
      const sectors = new Uint8Array(1024);
      const view = new DataView(sectors.buffer);
      sectors.set([0x80, 0, 0, 0, type], 446);
      view.setUint32(446 + 8, start, true);
      view.setUint32(446 + 12, blocks, true);
      view.setUint16(510, 0xaa55, true);
      return sectors;
    };
    const gpt = mbr(0xee, 1, 0xffffffff);
    gpt.set(new TextEncoder().encode('EFI PART'), 512);
    new DataView(gpt.buffer).setBigUint64(512 + 32, BigInt((8 * mib) / 512 - 1), true);
    const path = made('gpt.raw', gpt, 8 * mib);
    expect(look(path)).toMatchObject({ kind: 'disk', format: 'raw', virtualSizeBytes: 8 * mib, truncated: false });
    expect(look(path, 4 * mib)).toMatchObject({ truncated: true, expectedSizeBytes: 8 * mib });
    made('gpt.raw', mbr(0x83, 2048, 4096), 8 * mib);
    expect(look(path)).toMatchObject({ kind: 'disk', format: 'raw', truncated: false });
    expect(look(path, 2 * mib)).toMatchObject({ truncated: true, expectedSizeBytes: 3 * mib });
  });

  it('knows a file system without a partition table', () => {
    const path = made('ext4.raw', '', 4 * 1024 * 1024);
    execFileSync('mke2fs', ['-q', '-t', 'ext4', path]);
    expect(look(path)).toMatchObject({ kind: 'disk', format: 'raw' });
  });
});

describe('files that are no images', () => {
  it.each([
    ['notes', 'text', 'Just some notes.\nDébian überall.\n', 'not-an-image', 'text file'],
    ['page', 'text', '<!DOCTYPE html>\n<html><body>404</body></html>', 'not-an-image', 'web page'],
    ['nothing', 'empty', '', 'not-an-image', 'empty'],
    ['zeros', 'unknown', new Uint8Array(4096), 'not-an-image', 'zeros'],
    ['noise', 'unknown', Uint8Array.from({ length: 4096 }, (_, index) => (index * 167) % 251), 'not-an-image', 'neither'],
    ['program', 'unknown', 'MZ\x90\0\x03\0', 'not-an-image', 'Windows program'],
    ['gzip', 'compressed', gzipSync('x'), 'unsupported', 'gzip'],
    ['zstd', 'compressed', zstdCompressSync('x'), 'unsupported', 'zstd'],
    ['zip', 'archive', 'PK\x03\x04....', 'unsupported', 'ZIP'],
  ] as const)('%s', (_name, kind, content, code, words) => {
    const finding = look(made('file.iso', content));
    expect(finding).toMatchObject({ kind, problem: { code } });
    expect(finding.problem?.message).toContain(words);
    expect(finding.problem?.hint).not.toBe('');
  });

  it('does not stumble over any cut of a real head', () => {
    const path = qemuImg('cut.qcow2', 'create', '-q', '-f', 'qcow2', '@', '64M');
    for (let size = 0; size < 600; size += 7) {
      const head = new Uint8Array(size);
      const file = openSync(path, 'r');
      readSync(file, head, 0, size, 0);
      closeSync(file);
      expect(() => recognize(head, size)).not.toThrow();
    }
  });
});

import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { HEAD_BYTES, recognize } from '../recognize.ts';
import { aboutImage, type ImageAbout } from './about.ts';
import { byLabel } from './guess-os.ts';
import { rangesOf } from './read-range.ts';

const folder = mkdtempSync(join(tmpdir(), 'hayloft-about-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function look(path: string): Promise<ImageAbout> {
  const file = openSync(path, 'r');
  const read = (offset: number, length: number): Promise<Uint8Array> => {
    const bytes = Buffer.alloc(length);
    return Promise.resolve(bytes.subarray(0, readSync(file, bytes, 0, length, offset)));
  };
  try {
    return await aboutImage(recognize(await read(0, HEAD_BYTES), statSync(path).size), read);
  } finally {
    closeSync(file);
  }
}

let made = 0;
function disc(label: string, files: Record<string, string>, ...args: string[]): string {
  const tree = join(folder, `tree-${++made}`);
  for (const [name, text] of Object.entries({ 'readme.txt': 'x', ...files })) {
    mkdirSync(dirname(join(tree, name)), { recursive: true });
    writeFileSync(join(tree, name), text);
  }
  const iso = join(folder, `disc-${made}.iso`);
  execFileSync('genisoimage', ['-quiet', '-V', label, ...args, '-o', iso, tree], { stdio: 'pipe' });
  return iso;
}

it('tells of a real ISO what starts from it', async () => {
  expect(await look('/usr/lib/ipxe/ipxe.iso')).toEqual({ format: 'iso9660', label: 'ISOIMAGE', boots: ['bios', 'uefi'], os: { id: 'ipxe', name: 'iPXE' } });
});

it.each([
  ['Debian 12.5.0', 'debian', { '.disk/info': 'Debian GNU/Linux 12.5.0 "Bookworm" - Official amd64 NETINST with firmware 20240210-11:27\n' }],
  ['Ubuntu-Server 24.04', 'ubuntu', { '.disk/info': 'Ubuntu-Server 24.04 LTS "Noble Numbat" - Release amd64 (20240423)' }],
  ['Fedora 40', 'fedora', { '.treeinfo': '[header]\nversion = 1.2\n\n[general]\nfamily = Fedora\nname = Fedora 40\nversion = 40\n'.replace('version = 1.2\n\n', '\n') }],
  ['Rocky Linux 9.4', 'rocky', { '.treeinfo': '[general]\nfamily = Rocky Linux\nversion = 9.4\n' }],
  ['openSUSE Leap 15.6', 'opensuse', { 'media.1/products': '/ openSUSE-Leap 15.6-1\n' }],
  ['Alpine 3.20.1', 'alpine', { '.alpine-release': 'alpine-standard-3.20.1 240618\n' }],
  ['Windows', 'windows', { 'sources/install.wim': 'MSWIM' }],
  ['Arch Linux', 'arch', { 'arch/version': '2024.05.01' }],
  ['Debian', 'debian', { 'isolinux/isolinux.cfg': 'menu label Install Debian' }],
] as const)('knows a disc of %s by its files', async (name, id, files) => {
  const about = await look(disc('A DISC', files, '-R', '-J'));
  expect(about).toMatchObject({ label: 'A DISC', boots: [], os: { id, name } });
});

it('finds files in folders of many sectors, and without Rock Ridge’s names', async () => {
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`file-with-a-rather-long-name-${index}`, '']));
  expect((await look(disc('MANY', { ...many, 'sources/install.wim': 'x' }, '-R'))).os?.id).toBe('windows');
  expect((await look(disc('PLAIN', { 'sources/install.wim': 'x' }, '-allow-lowercase'))).os?.id).toBe('windows');
});

it.each([
  ['Debian 12.5.0 amd64 n', 'debian', 'Debian 12.5.0'],
  ['Ubuntu-Server 24.04 LTS amd64', 'ubuntu', 'Ubuntu 24.04'],
  ['Fedora-WS-Live-40-1-14', 'fedora', 'Fedora 40'],
  ['Rocky-9-4-x86_64-dvd', 'rocky', 'Rocky Linux 9.4'],
  ['openSUSE-Leap-15.5-DVD-x86_64491', 'opensuse', 'openSUSE Leap 15.5'],
  ['ARCH_202405', 'arch', 'Arch Linux 2024-05'],
  ['14_0_RELEASE_AMD64_CD', 'freebsd', 'FreeBSD 14.0'],
  ['CCCOMA_X64FRE_EN-US_DV9', 'windows', 'Windows'],
  ['SSS_X64FREE_EN-US_DV9', 'windows', 'Windows'],
  ['virtio-win-0.1.240', 'virtio-win', 'Windows guest drivers (virtio-win) 0.1.240'],
  ['TALOS_V1_7_4', 'talos', 'Talos Linux 1.7'],
])('knows a disc called %s', (label, id, name) => {
  expect(byLabel(label)).toEqual({ id, name });
});

it('reads the name of a disc that is UDF alone', async () => {
  // A bridge disc whose ISO 9660 descriptors are wiped has only UDF left.
  const path = disc('WINDOWS_DISC', {}, '-udf');
  const bytes = readFileSync(path);
  for (let sector = 16; sector < 24; sector++) {
    if (bytes.toString('latin1', sector * 2048 + 1, sector * 2048 + 6) === 'CD001') bytes.write('BEA01', sector * 2048 + 1, 'latin1');
  }
  writeFileSync(path, bytes);
  expect(await look(path)).toMatchObject({ format: 'udf', label: 'WINDOWS_DISC' });
});

it('reads the size of Hyper-V’s disks, made by the real qemu-img', async () => {
  const path = join(folder, 'disk.vhdx');
  execFileSync('qemu-img', ['create', '-q', '-f', 'vhdx', path, '3G']);
  expect(await look(path)).toEqual({ format: 'vhdx', virtualSizeBytes: 3 * 2 ** 30 });
});

/** A disk with an entry in its GPT for each type, which stands there as it lies on the disk; without any: of MBR's kind. */
function partitioned(types: readonly string[], mbrType: number, active: boolean): string {
  const path = join(folder, `disk-${++made}.raw`);
  const bytes = Buffer.alloc(2 ** 20);
  bytes.writeUInt16LE(0xaa55, 510);
  bytes[446] = active ? 0x80 : 0;
  bytes[450] = mbrType;
  bytes.writeUInt32LE(1, 454);
  bytes.writeUInt32LE(1024, 458);
  if (types.length > 0) {
    bytes.write('EFI PART', 512, 'latin1');
    bytes.writeBigUInt64LE(2n, 512 + 72);
    bytes.writeUInt32LE(types.length, 512 + 80);
    bytes.writeUInt32LE(128, 512 + 84);
    types.forEach((type, index) => bytes.write(type, 1024 + index * 128, 'hex'));
  }
  writeFileSync(path, bytes);
  return path;
}

it('tells how a raw disk boots by its partitions', async () => {
  const [biosBoot, efi, linux] = ['4861682149646f6e744e656564454649', '28732ac11ff8d211ba4b00a0c93ec93b', 'af3dc60f838472478e793d69d8477de4'];
  expect((await look(partitioned([biosBoot, efi, linux], 0xee, false))).boots).toEqual(['bios', 'uefi']);
  expect((await look(partitioned([efi], 0xee, false))).boots).toEqual(['uefi']);
  expect((await look(partitioned([], 0x83, true))).boots).toEqual(['bios']);
});

it('does not run away with discs that lie about their folders', async () => {
  const path = disc('LIAR', { 'sources/x': 'x' }, '-R');
  const bytes = readFileSync(path);
  for (let at = 16 * 2048; at < bytes.length; at += 97) bytes[at] = (at * 31) % 256;
  bytes.writeUInt32LE(0xfffffff0, 16 * 2048 + 156 + 10);
  let read = 0;
  await aboutImage(recognize(bytes, bytes.length), (offset, length) => {
    read += length;
    return rangesOf(bytes)(offset, length);
  }).catch(() => undefined);
  expect(read).toBeLessThan(4 * 2 ** 20);
});

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

it('tells how a raw disk boots by its partitions, made by the real sfdisk', async () => {
  const path = join(folder, 'disk.raw');
  execFileSync('truncate', ['-s', '64M', path]);
  const partition = (script: string): void => void execFileSync('sfdisk', ['--quiet', path], { input: script, stdio: 'pipe' });
  partition('label: gpt\nsize=1M, type=21686148-6449-6E6F-744E-656564454649\nsize=20M, type=U\nsize=20M, type=L\n');
  expect((await look(path)).boots).toEqual(['bios', 'uefi']);
  partition('label: gpt\nsize=20M, type=U\n');
  expect((await look(path)).boots).toEqual(['uefi']);
  partition('label: dos\nsize=20M, type=83, bootable\n');
  expect((await look(path)).boots).toEqual(['bios']);
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

/**
 * A disk with a real Debian 12, made from Debian's packages as the system's own sources name them: systemd, cloud-init,
 * sshd, QEMU's guest agent. It starts from BIOS and from UEFI (with secure boot, too), has a console on the first
 * serial line and on the screen (root, see {@link debianPassword}), and takes its user-data from a disk or a CD with the
 * label `cidata` or `config-2`. Root is the last partition, so it grows with the disk. What a test does not need and
 * takes time under emulation is left out.
 */
import { closeSync, copyFileSync, globSync, mkdirSync, openSync, readFileSync, statSync, truncateSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cached, systemFile, tool } from './cache.ts';
import { commandLine, guestFiles, leftOut, packages, setUp, syslinuxMenu, uefiMenu } from './debian/guest-system.ts';
import { DISK_BYTES, ESP_OFFSET, ESP_BYTES, ROOT_BYTES, ROOT_OFFSET, partitionedStart } from './debian/partitions.ts';

export { debianPassword } from './debian/guest-system.ts';

const loader = (): string => systemFile('/usr/lib/syslinux/mbr/mbr.bin', 'syslinux-common');

export function debianDisk(): string {
  const parts = globSync(join(import.meta.dirname, 'debian', '*.ts')).sort();
  return cached({
    name: 'debian.qcow2',
    script: import.meta.filename,
    parts,
    inputs: [loader()],
    build(work, result) {
      const raw = join(work, 'disk.raw');
      const esp = join(work, 'esp.fat');
      const root = join(work, 'root.ext4');
      install(work);
      makeRoot(work, root);
      makeBootPartition(work, esp);
      closeSync(openSync(raw, 'wx'));
      truncateSync(raw, DISK_BYTES);
      writeAt(raw, partitionedStart(readFileSync(loader())), 0);
      tool('dd', [`if=${esp}`, `of=${raw}`, 'bs=1M', `seek=${ESP_OFFSET / 2 ** 20}`, 'conv=notrunc,sparse', 'status=none']);
      tool('dd', [`if=${root}`, `of=${raw}`, 'bs=1M', `seek=${ROOT_OFFSET / 2 ** 20}`, 'conv=notrunc,sparse', 'status=none']);
      tool('qemu-img', ['convert', '-c', '-f', 'raw', '-O', 'qcow2', '-o', 'compression_type=zstd', raw, result]);
    },
  });
}

/** The system's sources that are Debian 12's own: others have nothing for this image. Without any, mmdebstrap knows where. */
function sources(): string[] {
  return globSync('/etc/apt/{sources.list,sources.list.d/*.{list,sources}}').filter((path) =>
    /^(Suites:|deb\s(.*\s)?\S+\s)\s*bookworm\b/m.test(readFileSync(path, 'utf8')),
  );
}

/** Installs the packages and the files into `root.tar`, and the kernel, its initramfs and the UEFI loaders beside it. */
function install(work: string): void {
  mkdirSync(join(work, 'files'), { recursive: true });
  for (const [name, { text, mode }] of Object.entries(guestFiles)) {
    const path = join(work, 'files', name);
    mkdirSync(dirname(path), { recursive: true });
    const file = openSync(path, 'wx', mode);
    writeSync(file, text);
    closeSync(file);
  }
  tool('mmdebstrap', [
    '--quiet', '--variant=minbase', `--include=${packages.join(',')}`,
    ...leftOut.map((pattern) => `--dpkgopt=path-exclude=${pattern}`),
    `--essential-hook=copy-in ${join(work, 'files', 'etc')} /`,
    `--customize-hook=chroot "$1" sh -euc '${setUp}'`,
    ...['vmlinuz', 'initrd.img', 'efi/shimx64.efi', 'efi/grubx64.efi'].map((name) => `--customize-hook=copy-out /boot/out/${name} ${work}`),
    '--customize-hook=rm -r "$1/boot/out"',
    'bookworm', join(work, 'root.tar'), ...sources(),
  ]); // prettier-ignore
}

/** An ext4 with the files of `root.tar` and their owners, which takes root, or a user namespace where one is that. */
function makeRoot(work: string, root: string): void {
  const script = `mkdir "$0/root"; trap 'rm -rf "$0/root"' EXIT
    tar -x --numeric-owner --xattrs --exclude './dev/*' -f "$0/root.tar" -C "$0/root"
    mke2fs -q -t ext4 -L root -m 1 -E assume_storage_prezeroed=1,nodiscard -d "$0/root" "$1" ${ROOT_BYTES / 1024}k`;
  const asRoot = process.getuid?.() === 0 ? ['env'] : ['unshare', '--map-root-user', '--map-auto'];
  const [command, ...args] = [...asRoot, 'sh', '-euc', script, work, root];
  tool(command, args, { env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` } });
}

/** A FAT that both kinds of firmware start from: SYSLINUX for BIOS, shim and GRUB for UEFI. */
function makeBootPartition(work: string, esp: string): void {
  const tree = join(work, 'esp');
  const put = (name: string, from: string): void => {
    mkdirSync(dirname(join(tree, name)), { recursive: true });
    copyFileSync(join(work, from), join(tree, name));
  };
  const write = (name: string, text: string): void => {
    mkdirSync(dirname(join(tree, name)), { recursive: true });
    const file = openSync(join(tree, name), 'wx');
    writeSync(file, text);
    closeSync(file);
  };
  put('linux', 'vmlinuz');
  put('initrd', 'initrd.img');
  put('EFI/BOOT/BOOTX64.EFI', 'shimx64.efi');
  put('EFI/BOOT/grubx64.efi', 'grubx64.efi');
  write('syslinux.cfg', syslinuxMenu(commandLine));
  write('EFI/debian/grub.cfg', uefiMenu(commandLine));
  closeSync(openSync(esp, 'wx'));
  truncateSync(esp, ESP_BYTES);
  tool('mformat', ['-i', esp, '-F', '-v', 'BOOT', '-H', String(ESP_OFFSET / 512), '::']);
  for (const name of globSync('*', { cwd: tree })) tool('mcopy', ['-s', '-i', esp, join(tree, name), '::']);
  tool('syslinux', ['--install', esp]);
  if (statSync(esp).size !== ESP_BYTES) throw new Error(`${esp} has changed its size.`);
}

function writeAt(path: string, bytes: Uint8Array, position: number): void {
  const file = openSync(path, 'r+');
  writeSync(file, bytes, 0, bytes.length, position);
  closeSync(file);
}

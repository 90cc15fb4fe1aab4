/** Bootable discs with ISOLINUX: they boot as a disc, and from a disk when written to one (hybrid). */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemFile, tool } from './cache.ts';

const modules = (): string[] =>
  ['ldlinux.c32', 'menu.c32', 'libutil.c32', 'reboot.c32'].map((name) =>
    systemFile(`/usr/lib/syslinux/modules/bios/${name}`, 'syslinux-common'),
  );

/** The boot loader's own files: part of every recipe's inputs. */
export const isolinuxFiles = (): string[] => [
  systemFile('/usr/lib/ISOLINUX/isolinux.bin', 'isolinux'),
  systemFile('/usr/lib/ISOLINUX/isohdpfx.bin', 'isolinux'),
  ...modules(),
];

export interface Disc {
  label: string;
  /** isolinux.cfg */
  menu: string;
  /** Files on the disc: path there → path here. */
  files: Record<string, string>;
  /** A file system image that becomes a second partition, for discs that are written to disks. */
  partition?: string;
}

/** @param work an empty folder, used for the disc's tree */
export function makeDisc(disc: Disc, work: string, result: string): void {
  const tree = join(work, 'tree');
  const [loader = '', hybridStart = ''] = isolinuxFiles();
  mkdirSync(join(tree, 'isolinux'), { recursive: true });
  for (const path of [loader, ...modules()]) {
    copyFileSync(path, join(tree, 'isolinux', path.slice(path.lastIndexOf('/') + 1)));
  }
  writeFileSync(join(tree, 'isolinux', 'isolinux.cfg'), disc.menu);
  for (const [there, here] of Object.entries(disc.files)) {
    mkdirSync(join(tree, there, '..'), { recursive: true });
    copyFileSync(here, join(tree, there));
  }
  const boot = ['-b', 'isolinux/isolinux.bin', '-c', 'isolinux/boot.cat', '-no-emul-boot', '-boot-load-size', '4', '-boot-info-table'];
  const partition = disc.partition === undefined ? [] : ['-append_partition', '2', '0x83', disc.partition];
  tool('xorriso', ['-as', 'mkisofs', '-quiet', '-r', '-J', '-V', disc.label, ...boot, '-isohybrid-mbr', hybridStart, ...partition, '-o', result, tree]);
}

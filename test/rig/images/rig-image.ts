/** Real images to boot in tests, made from Debian's packages without a network. */
import { systemFile } from './cache.ts';
import { debianDisk } from './debian-disk.ts';
import { netbootIso } from './netboot-iso.ts';
import { powerDisk } from './power-disk.ts';
import { shellDisk } from './shell-disk.ts';
import { sshDisk } from './ssh-disk.ts';

const images = {
  /** Debian's network installer behind a boot menu on the screen (BIOS). About 50 MB. */
  'netboot-iso': netbootIso,
  /** A Linux with a login on the first serial line and on the screen. About 20 MB. */
  'shell-disk': shellDisk,
  /** The same with sshd, for a user whose key is in its user-data. */
  'ssh-disk': sshDisk,
  /** A boot sector that obeys the power button and a few keys. 1 MiB, up in a fraction of a second. */
  'power-disk': powerDisk,
  /** Debian 12 with cloud-init, sshd and the guest agent. Takes minutes to make. */
  'debian-disk': debianDisk,
  /** iPXE: the smallest ISO that boots (BIOS and UEFI). Ctrl-B gives a command line. */
  'ipxe-iso': () => systemFile('/usr/lib/ipxe/ipxe.iso', 'ipxe'),
};

export type RigImage = keyof typeof images;
export const rigImageNames = Object.keys(images) as RigImage[];

/** The path of a test image; takes seconds the first time, Debian minutes. */
export const rigImage = (name: RigImage): string => images[name]();

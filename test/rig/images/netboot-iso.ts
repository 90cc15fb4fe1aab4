/** A bootable ISO with Debian's network installer: what a newcomer drops on the window. */
import { cached, systemFile } from './cache.ts';
import { isolinuxFiles, makeDisc } from './isolinux.ts';

/** Waits for a key for as long as it takes, so that a test can watch the selection move. */
const menu = `UI menu.c32
TIMEOUT 0
PROMPT 0
MENU TITLE Hayloft test installer
MENU ROWS 6
DEFAULT install

LABEL install
  MENU LABEL Install Debian
  KERNEL /install/linux
  APPEND initrd=/install/initrd.gz vga=normal ---

LABEL expert
  MENU LABEL Expert install
  KERNEL /install/linux
  APPEND initrd=/install/initrd.gz priority=low vga=normal ---

LABEL serial
  MENU LABEL Install over the serial line
  KERNEL /install/linux
  APPEND initrd=/install/initrd.gz console=ttyS0,115200 ---

LABEL rescue
  MENU LABEL Rescue a broken system
  KERNEL /install/linux
  APPEND initrd=/install/initrd.gz rescue/enable=true vga=normal ---

LABEL disk
  MENU LABEL Boot from the first disk
  LOCALBOOT 0x80

LABEL reboot
  MENU LABEL Restart
  COM32 reboot.c32
`;

export function netbootIso(): string {
  const source = (name: string): string =>
    systemFile(
      `/usr/lib/debian-installer/images/*/amd64/text/debian-installer/amd64/${name}`,
      'debian-installer-12-netboot-amd64',
    );
  const [linux, initrd] = [source('linux'), source('initrd.gz')];
  return cached({
    name: 'netboot.iso',
    script: import.meta.filename,
    inputs: [linux, initrd, ...isolinuxFiles()],
    build: (work, result) =>
      makeDisc({ label: 'HAYLOFT_NETBOOT', menu, files: { 'install/linux': linux, 'install/initrd.gz': initrd } }, work, result),
  });
}

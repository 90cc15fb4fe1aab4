/**
 * A disk with a small Linux: Debian's cloud kernel and busybox. It boots in seconds without hardware
 * virtualization, asks for a login on the first serial line and on the screen (root, see {@link shellPassword}),
 * takes an address by DHCP, keeps files in /data, and shuts down cleanly when the power button is pressed.
 */
import { chmodSync, copyFileSync, globSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { cached, systemFile, tool } from './cache.ts';
import { isolinuxFiles, makeDisc } from './isolinux.ts';

export const shellPassword = 'hayloft';
export const shellHostName = 'loft';

/** Power button and its events, then the paravirtual devices, and disks and CDs on SCSI. What they depend on comes along. */
const drivers = ['button', 'evdev', 'virtio_pci', 'virtio_blk', 'virtio_net', 'virtio-rng', 'virtio_console', 'virtio_balloon', 'virtio_scsi', 'sd_mod', 'sr_mod', 'isofs'];

const inittab = `::sysinit:/etc/start
ttyS0::respawn:/sbin/getty -L 115200 ttyS0 vt100
tty1::respawn:/sbin/getty 38400 tty1 linux
::shutdown:/etc/finish
::ctrlaltdel:/sbin/reboot
`;

const start = `#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev 2>/dev/null
mkdir -p /dev/pts && mount -t devpts devpts /dev/pts
hostname ${shellHostName}
for driver in $(cat /lib/modules/order); do insmod /lib/modules/$driver; done
for disk in /dev/vda2 /dev/sda2; do [ -b $disk ] && mount -t ext4 $disk /data && break; done
ip link set lo up
ip link set eth0 up 2>/dev/null && udhcpc -i eth0 -b -s /etc/dhcp >/dev/null 2>&1 &
acpid -l /dev/null
[ -x /etc/more ] && /etc/more
printf '\\033[1;33mHayloft test guest\\033[0m is up. Log in as root.\\n' >/dev/tty1
`;

const finish = `#!/bin/sh
sync
umount /data 2>/dev/null
echo 'Hayloft test guest: clean shutdown' >/dev/ttyS0
echo 'Hayloft test guest: clean shutdown' >/dev/tty1
`;

const dhcp = `#!/bin/sh
[ "$1" = bound ] || [ "$1" = renew ] || exit 0
ip addr flush dev $interface
ip addr add $ip/$mask dev $interface
[ -n "$router" ] && ip route add default via \${router%% *}
[ -n "$dns" ] && echo "nameserver \${dns%% *}" >/etc/resolv.conf
`;

/** Asks the terminal how big it is, as xterm's tool of that name does: a serial line cannot tell by itself. */
const resize = `#!/bin/sh
old=$(stty -g)
stty raw -echo min 0 time 5
printf '\\0337\\033[999;999H\\033[6n\\0338'
answer=$(dd bs=32 count=1 2>/dev/null | tr -d '\\033[R')
stty $old
stty rows \${answer%%;*} cols \${answer##*;}
stty size
`;

const menu = `DEFAULT guest
PROMPT 0
TIMEOUT 1
LABEL guest
  KERNEL /boot/linux
  APPEND initrd=/boot/initrd console=tty0 console=ttyS0,115200 quiet loglevel=3
`;

/** Files of the guest, by their paths in it. */
export type GuestFiles = Record<string, [content: string | Buffer, mode: number]>;

export const shellDisk = (): string => smallDisk({ name: 'shell.qcow2' });

export interface SmallDisk {
  name: string;
  /** Scripts and files of the system that `more` depends on. */
  parts?: readonly string[];
  inputs?: readonly string[];
  /** What else is in the guest. `etc/more` is run when all devices are there. @param work an empty folder */
  more?: (work: string) => GuestFiles;
}

export function smallDisk({ name, parts = [], inputs = [], more }: SmallDisk): string {
  const kernel = systemFile('/boot/vmlinuz-*-cloud-amd64', 'linux-image-cloud-amd64');
  const busybox = systemFile('/{usr/bin,bin}/busybox', 'busybox-static');
  return cached({
    name,
    script: import.meta.filename,
    parts,
    inputs: [kernel, busybox, ...isolinuxFiles(), ...inputs],
    build(work, result) {
      const initrd = join(work, 'initrd');
      const [root, spare] = [join(work, 'root'), join(work, 'spare')];
      mkdirSync(spare);
      writeFileSync(initrd, makeInitrd(root, kernel, busybox, more?.(spare) ?? {}));
      const data = join(work, 'data.ext4');
      tool('/sbin/mke2fs', ['-q', '-t', 'ext4', '-L', 'data', data, '16M']);
      const raw = join(work, 'disk.raw');
      makeDisc({ label: 'HAYLOFT_SHELL', menu, files: { 'boot/linux': kernel, 'boot/initrd': initrd }, partition: data }, work, raw);
      tool('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, result]);
    },
  });
}

/** An initramfs: busybox, the drivers, and the few files that say what to start. */
function makeInitrd(root: string, kernel: string, busybox: string, more: GuestFiles): Buffer {
  for (const name of ['bin', 'sbin', 'etc/acpi/PWRF', 'lib/modules', 'proc', 'sys', 'dev', 'data', 'root', 'tmp', 'var/run']) {
    mkdirSync(join(root, name), { recursive: true });
  }
  copyFileSync(busybox, join(root, 'bin/busybox'));
  for (const name of tool(busybox, ['--list-full']).toString().trim().split('\n')) {
    const link = join(root, name.startsWith('usr/') ? name.slice(4) : name);
    if (name === 'bin/busybox' || name === 'linuxrc') continue;
    symlinkSync('/bin/busybox', link);
  }
  symlinkSync('/sbin/init', join(root, 'init'));

  const version = basename(kernel).slice('vmlinuz-'.length);
  const order = modulesFor(version);
  for (const path of order) copyFileSync(path, join(root, 'lib/modules', basename(path)));
  const hash = tool(busybox, ['mkpasswd', '-m', 'md5', '-S', 'hayloft', shellPassword]).toString().trim();
  const files: GuestFiles = {
    'lib/modules/order': [order.map((path) => basename(path)).join('\n'), 0o644],
    'etc/inittab': [inittab, 0o644],
    'etc/passwd': [`root:${hash}:0:0:root:/root:/bin/sh\n`, 0o644],
    'etc/group': ['root:x:0:\n', 0o644],
    'etc/issue': ['Hayloft test guest \\n \\l\n\n', 0o644],
    'etc/start': [start, 0o755],
    'etc/finish': [finish, 0o755],
    'etc/dhcp': [dhcp, 0o755],
    'etc/profile': ['[ "$(tty)" = /dev/ttyS0 ] && stty rows 24 cols 80\n', 0o644],
    'bin/resize': [resize, 0o755],
    'etc/acpi/PWRF/00000080': ['#!/bin/sh\npoweroff\n', 0o755],
    ...more,
  };
  for (const [name, [content, mode]] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
    chmodSync(join(root, name), mode);
  }
  const names = ['.', ...globSync('**/*', { cwd: root })].join('\0');
  return gzipSync(tool('cpio', ['--null', '-o', '-H', 'newc', '-R', '0:0', '--quiet'], { cwd: root, input: names }), { level: 6 });
}

/** The kernel modules behind {@link drivers}, each after those it needs. */
function modulesFor(version: string): string[] {
  const tree = join('/lib/modules', version);
  const needs = new Map(
    readFileSync(join(tree, 'modules.dep'), 'utf8')
      .split('\n')
      .map((text) => text.split(/:? /))
      .map(([path = '', ...others]) => [path.replace(/:$/, ''), others] as const),
  );
  const order = new Set<string>();
  const add = (path: string): void => {
    for (const other of needs.get(path) ?? []) add(other);
    order.add(join(tree, path));
  };
  for (const driver of drivers) {
    // What is not a module is part of the kernel.
    const path = [...needs.keys()].find((key) => basename(key) === `${driver}.ko`);
    if (path !== undefined) add(path);
  }
  return [...order];
}

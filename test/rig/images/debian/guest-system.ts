/** What is in the Debian test guest, and how it is set up to be quick under emulation. */
import { ROOT_PARTUUID } from './partitions.ts';

/** Root's password, on the consoles. SSH takes keys only. */
export const debianPassword = 'hayloft';

export const packages = [
  // The full kernel: the one for clouds has neither SATA nor USB nor a watchdog.
  'linux-image-amd64', 'initramfs-tools', 'busybox', 'kmod', 'udev',
  'systemd', 'systemd-sysv', 'dbus', 'netplan.io', 'iproute2', 'iputils-ping',
  'cloud-init', 'cloud-guest-utils', 'fdisk', 'parted', 'e2fsprogs', 'eject', 'sudo',
  'openssh-server', 'qemu-guest-agent',
]; // prettier-ignore

/** Not unpacked at all: no test looks at it, and every megabyte is sent and read many times. */
export const leftOut = [
  ...['doc', 'man', 'locale', 'info', 'i18n', 'lintian', 'bash-completion'].map((name) => `/usr/share/${name}/*`),
  ...['sound', 'drivers/media', 'drivers/gpu', 'drivers/infiniband', 'drivers/parport', 'drivers/input/mouse', 'drivers/input/joystick', 'arch/x86/kvm',
    'drivers/isdn', 'drivers/staging', 'drivers/iio', 'drivers/hwmon', 'drivers/net/wireless', 'drivers/comedi',
    'drivers/net/ethernet/mellanox', 'drivers/net/ethernet/broadcom', 'drivers/net/ethernet/qlogic', 'drivers/net/ethernet/chelsio',
    'drivers/thunderbolt', 'net/wireless', 'net/mac80211', 'net/bluetooth', 'drivers/bluetooth', 'drivers/firewire', 'drivers/mtd',
    'fs/ceph', 'fs/ocfs2', 'fs/gfs2', 'fs/afs', 'fs/cifs', 'fs/jfs', 'fs/reiserfs',
  ].map((name) => `/lib/modules/*/kernel/${name}/*`),
]; // prettier-ignore

/**
 * Kernel parameters: a console on the screen and, as the main one, on the serial line; and without what guards against
 * other guests' eyes, which costs an emulated processor much.
 */
export const commandLine = [
  `root=PARTUUID=${ROOT_PARTUUID} ro rootfstype=ext4 console=tty0 console=ttyS0,115200 quiet loglevel=3`,
  'mitigations=off apparmor=0 audit=0 noresume fsck.mode=skip random.trust_cpu=on systemd.show_status=0',
].join(' ');

export const syslinuxMenu = (parameters: string): string => `DEFAULT debian
PROMPT 0
TIMEOUT 1
LABEL debian
  KERNEL /linux
  APPEND initrd=/initrd ${parameters}
`;

export const uefiMenu = (parameters: string): string => `set timeout=0
search --no-floppy --set=root --file /syslinux.cfg
linux /linux ${parameters}
initrd /initrd
boot
`;

/** Only what user-data commonly asks for: each module that is loaded takes a tenth of a second under emulation. */
const cloudModules = `datasource_list: [NoCloud, ConfigDrive, None]
ssh_genkeytypes: [ed25519]
ssh_publish_hostkeys: {enabled: false}
no_ssh_fingerprints: true
manage_etc_hosts: true
apt_preserve_sources_list: true
system_info: {network: {renderers: [networkd]}}
resize_rootfs: true
growpart: {mode: auto, devices: ["/"], ignore_growroot_disabled: true}
cloud_init_modules: [bootcmd, write-files, growpart, resizefs, disk_setup, mounts, set_hostname, update_hostname, update_etc_hosts, users-groups, ssh]
cloud_config_modules: [set-passwords, timezone, runcmd]
cloud_final_modules: [scripts-per-boot, scripts-per-instance, scripts-user, final-message, power-state-change]
`;

interface GuestFile {
  text: string;
  mode: number;
}

const file = (text: string, mode = 0o644): GuestFile => ({ text, mode });
/** One of initramfs-tools' scripts, each of which is first asked for those that it must come after. */
const script = (text: string): GuestFile => file(`#!/bin/sh\n[ "$1" = prereqs ] && exit 0\n${text}`, 0o755);
const onlyIfAsked = (keys: string): string => `[Service]\nExecCondition=/bin/grep -qE '^(${keys})' /var/lib/cloud/instance/user-data.txt\n`;

/** For a root on another bus: loaded once it is not found without them. */
const laterDrivers = 'sd_mod virtio_scsi xhci_pci usb_storage uas';

/** Put in place before the packages are set up, by path without the first slash. */
export const guestFiles: Record<string, GuestFile> = {
  'etc/fstab': file(`PARTUUID=${ROOT_PARTUUID} / ext4 noatime,discard 0 0\n`),
  'etc/initramfs-tools/conf.d/small': file('MODULES=list\nCOMPRESS=lz4\nRESUME=none\n'),
  // Disks of the usual kind, and CDs, which cloud-init must not look for in vain.
  'etc/initramfs-tools/modules': file('virtio_pci\nvirtio_blk\nahci\nsr_mod\next4\n'),
  'etc/initramfs-tools/hooks/lean': script(`. /usr/share/initramfs-tools/hook-functions
manual_add_modules ${laterDrivers}
# The kernel makes the device nodes; udev's rules are for the system itself.
rm -f "$DESTDIR/scripts/init-top/udev" "$DESTDIR/scripts/init-bottom/udev"
`),
  'etc/initramfs-tools/scripts/local-block/drivers': script(`for driver in ${laterDrivers}; do modprobe "$driver"; done\n`),
  'etc/initramfs-tools/scripts/init-bottom/devices': script('mount -n -o move /dev "${rootmnt:?}/dev"\n'),
  'etc/cloud/cloud.cfg.d/95_quick.cfg': file(cloudModules),
  // Each stage takes Python five seconds to begin with: these have something to do only where the user-data says so.
  'etc/systemd/system/cloud-config.service.d/asked.conf': file(onlyIfAsked('chpasswd|password|ssh_pwauth|timezone|runcmd')),
  'etc/systemd/system/cloud-final.service.d/asked.conf': file(onlyIfAsked('#!|runcmd|power_state|final_message')),
  'etc/systemd/journald.conf.d/quick.conf': file('[Journal]\nStorage=volatile\nRuntimeMaxUse=16M\n'),
  // A second card without a network must not hold up the first.
  'etc/systemd/system/systemd-networkd-wait-online.service.d/any.conf': file(
    '[Service]\nExecStart=\nExecStart=/lib/systemd/systemd-networkd-wait-online --any --timeout=20\n',
  ),
  // One kind of key, as making them takes long under emulation.
  'etc/ssh/sshd_config.d/quick.conf': file('HostKey /etc/ssh/ssh_host_ed25519_key\nUseDNS no\nPasswordAuthentication no\n'),
};

const masked = [
  'apt-daily.timer', 'apt-daily-upgrade.timer', 'dpkg-db-backup.timer', 'e2scrub_all.timer', 'e2scrub_reap.service', 'fstrim.timer',
  'systemd-timesyncd.service', 'systemd-pstore.service', 'systemd-journal-flush.service', 'cloud-init-hotplugd.socket',
  'modprobe@dm_mod.service', 'modprobe@loop.service', 'modprobe@drm.service', 'modprobe@configfs.service', 'modprobe@fuse.service',
  'dev-hugepages.mount', 'dev-mqueue.mount', 'sys-kernel-debug.mount', 'sys-kernel-tracing.mount', 'sys-kernel-config.mount',
  'sys-fs-fuse-connections.mount', 'systemd-binfmt.service', 'proc-sys-fs-binfmt_misc.automount', 'systemd-random-seed.service', 'systemd-update-utmp.service', 'systemd-update-utmp-runlevel.service',
]; // prettier-ignore

/**
 * Not asked at each start: what they look for is never there, and cloud-init's runs a long shell script to find out
 * whether cloud-init is wanted, which it is here.
 */
const maskedGenerators = [
  'cloud-init-generator',
  ...['cryptsetup', 'debug', 'gpt-auto', 'hibernate-resume', 'integritysetup', 'rc-local', 'run', 'system-update', 'sysv', 'veritysetup'].map((name) => `systemd-${name}-generator`),
]; // prettier-ignore

/**
 * Run inside, once everything is installed. It leaves in /boot/out what the firmware starts. The machine's id is empty,
 * not `uninitialized`: to systemd that would be a first boot, at which it goes through the presets of all units.
 * Without `jsonschema` cloud-init leaves out its check of the user-data, which takes each of its stages a second.
 */
export const setUp = `
echo root:${debianPassword} | chpasswd
systemctl mask --quiet ${masked.join(' ')}
mkdir -p /etc/systemd/system-generators
for name in ${maskedGenerators.join(' ')}; do ln -s /dev/null /etc/systemd/system-generators/$name; done
systemctl add-wants --quiet multi-user.target cloud-init.target
systemctl enable --quiet systemd-networkd || true
rm -f /etc/ssh/ssh_host_* /etc/machine-id /var/lib/dbus/machine-id
: >/etc/machine-id
echo debian >/etc/hostname
echo nameserver 10.0.2.3 >/etc/resolv.conf
mkdir -p /boot/out/efi
cp /vmlinuz /boot/out/vmlinuz
cp /initrd.img /boot/out/initrd.img
cd /tmp
apt-get download -qq -o APT::Sandbox::User=root shim-signed grub-efi-amd64-signed
for package in *.deb; do dpkg-deb -x $package efi; done
cp efi/usr/lib/shim/shimx64.efi.signed /boot/out/efi/shimx64.efi
cp efi/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed /boot/out/efi/grubx64.efi
rm -rf /usr/lib/python3/dist-packages/jsonschema* /tmp/* /boot/initrd.img-* /boot/vmlinuz-* /boot/System.map-* /var/cache/apt/* /var/lib/apt/lists/*
touch /etc/.updated /var/.updated
`;

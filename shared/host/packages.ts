/** Which system packages Hayloft needs, what they are called on each system, and how one installs them. Pure data. */

export type PackageManager = 'apt' | 'dnf' | 'zypper' | 'pacman' | 'brew' | 'winget';

/** In the order in which they are looked for; the command tells that the manager is there. */
const managers: readonly { manager: PackageManager; command: string; platform: NodeJS.Platform }[] = [
  { manager: 'apt', command: 'apt-get', platform: 'linux' },
  { manager: 'dnf', command: 'dnf', platform: 'linux' },
  { manager: 'zypper', command: 'zypper', platform: 'linux' },
  { manager: 'pacman', command: 'pacman', platform: 'linux' },
  { manager: 'brew', command: 'brew', platform: 'darwin' },
  { manager: 'winget', command: 'winget', platform: 'win32' },
];

/** Something that must be on the computer, told by a command on the PATH or a file that matches one of the patterns. */
export interface SystemNeed {
  id: string;
  title: string;
  why: string;
  /** Any of these commands on the PATH means that it is there. */
  commands?: readonly string[];
  /** Any of these files means that it is there; `*` stands for any text within a name. */
  files?: readonly string[];
  packages: Partial<Record<PackageManager, readonly string[]>>;
  /** Absent: for every architecture. */
  arch?: NodeJS.Architecture;
}

/** Guests are x86-64 whatever the host is: on another architecture they are emulated. */
const qemuForX64: SystemNeed = {
  id: 'qemu',
  title: 'QEMU',
  why: 'QEMU runs the virtual machines.',
  commands: ['qemu-system-x86_64'],
  packages: {
    apt: ['qemu-system-x86'],
    dnf: ['qemu-system-x86-core'],
    zypper: ['qemu-x86'],
    pacman: ['qemu-system-x86'],
    brew: ['qemu'],
    winget: ['SoftwareFreedomConservancy.QEMU'],
  },
};

/** What running machines on this computer takes. Managing other machines needs none of it. */
export const runningNeeds: readonly SystemNeed[] = [
  qemuForX64,
  {
    id: 'qemu-img',
    title: 'QEMU disk tools',
    why: 'qemu-img makes, checks and converts disks.',
    commands: ['qemu-img'],
    packages: {
      apt: ['qemu-utils'],
      dnf: ['qemu-img'],
      zypper: ['qemu-img'],
      pacman: ['qemu-img'],
      brew: ['qemu'],
      winget: ['SoftwareFreedomConservancy.QEMU'],
    },
  },
];

/** What some files and machines ask for; without it they are refused with a reason. */
export const optionalNeeds: readonly SystemNeed[] = [
  {
    id: 'xz',
    title: 'xz',
    why: 'Images that are packed with xz are unpacked by it.',
    commands: ['xz'],
    packages: { apt: ['xz-utils'], dnf: ['xz'], zypper: ['xz'], pacman: ['xz'], brew: ['xz'] },
  },
];

/** How this project's tests are run: real peers, real images, a real browser. Named for Debian, where they run. */
export const testingNeeds: readonly SystemNeed[] = [
  ...runningNeeds,
  ...optionalNeeds,
  {
    id: 'zstd',
    title: 'zstd',
    why: 'Tests pack images with it.',
    commands: ['zstd'],
    packages: { apt: ['zstd'], dnf: ['zstd'], zypper: ['zstd'], pacman: ['zstd'] },
  },
  {
    id: 'systemd-analyze',
    title: 'systemd’s checker',
    why: 'The units of the engine’s service are checked with it.',
    commands: ['systemd-analyze'],
    packages: { apt: ['systemd'] },
  },
  {
    id: 'ovmf',
    title: 'UEFI firmware',
    why: 'Tests start machines with UEFI.',
    files: ['/usr/share/OVMF/OVMF_CODE*.fd', '/usr/share/edk2/*/OVMF_CODE*.fd'],
    packages: { apt: ['ovmf'], dnf: ['edk2-ovmf'], zypper: ['qemu-ovmf-x86_64'], pacman: ['edk2-ovmf'] },
  },
  {
    id: 'swtpm',
    title: 'A TPM for machines',
    why: 'Tests start machines with a TPM.',
    commands: ['swtpm'],
    packages: { apt: ['swtpm'], dnf: ['swtpm'], zypper: ['swtpm'], pacman: ['swtpm'], brew: ['swtpm'] },
  },
  {
    id: 'tinyproxy',
    title: 'An HTTP proxy',
    why: 'The app reaches a cluster through it.',
    commands: ['tinyproxy'],
    packages: { apt: ['tinyproxy'], dnf: ['tinyproxy'], zypper: ['tinyproxy'], pacman: ['tinyproxy'] },
  },
  {
    id: 'microsocks',
    title: 'A SOCKS proxy',
    why: 'The app reaches a cluster through it.',
    commands: ['microsocks'],
    packages: { apt: ['microsocks'], pacman: ['microsocks'] },
  },
  {
    id: 'chromium',
    title: 'Chromium',
    why: 'The app is tested in a real browser.',
    commands: ['chromium', 'chromium-browser', 'google-chrome'],
    packages: { apt: ['chromium'], dnf: ['chromium'], zypper: ['chromium'], pacman: ['chromium'] },
  },
  {
    id: 'kubectl',
    title: 'kubectl',
    why: 'The engine’s API is judged by the real client.',
    commands: ['kubectl'],
    packages: {
      apt: ['kubernetes-client'],
      dnf: ['kubernetes-client'],
      zypper: ['kubernetes-client'],
      pacman: ['kubectl'],
      brew: ['kubernetes-cli'],
    },
  },
  {
    id: 'sshd',
    title: 'OpenSSH server',
    why: 'Remote machines are tested against a real sshd.',
    commands: ['/usr/sbin/sshd'],
    packages: { apt: ['openssh-server'], dnf: ['openssh-server'], zypper: ['openssh'], pacman: ['openssh'] },
  },
  {
    id: 'iproute2',
    title: 'iproute2',
    why: 'Machines are put on bridges, and computers on a network are played by network namespaces.',
    commands: ['/usr/sbin/bridge', '/sbin/bridge', '/usr/bin/bridge'],
    packages: { apt: ['iproute2'], dnf: ['iproute'], zypper: ['iproute2'], pacman: ['iproute2'] },
  },
  {
    id: 'avahi',
    title: 'Avahi',
    why: 'The engine’s announcement is heard by the system’s own browser.',
    commands: ['avahi-browse'],
    packages: { apt: ['avahi-daemon', 'avahi-utils', 'dbus'], dnf: ['avahi', 'avahi-tools'], zypper: ['avahi', 'avahi-utils'], pacman: ['avahi'] },
  },
  {
    id: 'curl',
    title: 'curl',
    why: 'The engine is spoken to by a client that knows nothing of Kubernetes.',
    commands: ['curl'],
    packages: { apt: ['curl'], dnf: ['curl'], zypper: ['curl'], pacman: ['curl'] },
  },
  {
    id: 'iso-tools',
    title: 'xorriso and isolinux',
    why: 'A bootable installer ISO is made for the tests.',
    commands: ['xorriso'],
    packages: { apt: ['xorriso'], dnf: ['xorriso'], zypper: ['xorriso'], pacman: ['libisoburn'] },
  },
  {
    id: 'genisoimage',
    title: 'genisoimage',
    why: 'Discs with a UDF bridge are made for the tests.',
    commands: ['genisoimage'],
    packages: { apt: ['genisoimage'], dnf: ['genisoimage'], zypper: ['mkisofs'], pacman: ['cdrtools'] },
  },
  {
    id: 'isolinux',
    title: 'Boot loaders for test images',
    why: 'Test images boot through ISOLINUX and SYSLINUX.',
    files: ['/usr/lib/ISOLINUX/isolinux.bin'],
    packages: { apt: ['isolinux', 'syslinux', 'syslinux-common', 'mtools'] },
  },
  {
    id: 'ipxe',
    title: 'iPXE’s ISO',
    why: 'The smallest real ISO that boots.',
    files: ['/usr/lib/ipxe/ipxe.iso'],
    packages: { apt: ['ipxe'] },
  },
  {
    id: 'debian-installer',
    title: 'Debian’s installer',
    why: 'A real installer is booted from an ISO.',
    files: ['/usr/lib/debian-installer/images/12/amd64/*/debian-installer/amd64/linux'],
    packages: { apt: ['debian-installer-12-netboot-amd64'] },
  },
  {
    id: 'guest-kernel',
    title: 'A small guest system',
    why: 'A guest with a shell on its serial line is made from this kernel and busybox.',
    files: ['/boot/vmlinuz-*-cloud-amd64'],
    packages: { apt: ['linux-image-cloud-amd64'] },
  },
  {
    id: 'mmdebstrap',
    title: 'mmdebstrap',
    why: 'A real Debian guest is made from Debian’s packages.',
    commands: ['mmdebstrap'],
    packages: { apt: ['mmdebstrap', 'e2fsprogs', 'uidmap'] },
  },
  {
    id: 'busybox',
    title: 'Busybox',
    why: 'A guest with a shell on its serial line is made from the kernel and busybox.',
    commands: ['busybox'],
    packages: { apt: ['busybox-static', 'cpio'] },
  },
];

/** What `npm run bench` measures itself against. */
export const benchNeeds: readonly SystemNeed[] = [
  ...testingNeeds,
  {
    id: 'gcc',
    title: 'A C compiler',
    why: 'A small program that reads and writes at random is run inside guests.',
    commands: ['gcc'],
    packages: { apt: ['gcc', 'libc6-dev'], dnf: ['gcc', 'glibc-static'], zypper: ['gcc', 'glibc-devel-static'], pacman: ['gcc'] },
  },
  {
    id: 'nginx',
    title: 'nginx with WebDAV',
    why: 'Uploads are measured against nginx.',
    files: ['/usr/lib/nginx/modules/ngx_http_dav_ext_module.so'],
    packages: { apt: ['nginx-light', 'libnginx-mod-http-dav-ext', 'curl'] },
  },
  {
    id: 'websockify',
    title: 'websockify',
    why: 'The console’s path is measured against websockify.',
    commands: ['websockify'],
    packages: { apt: ['websockify'] },
  },
  {
    id: 'libvirtd',
    title: 'libvirt',
    why: 'Idle memory is measured against libvirtd.',
    commands: ['/usr/sbin/libvirtd'],
    packages: { apt: ['libvirt-daemon-system'] },
  },
];

/** What this computer can tell about itself; given by the caller so that this file needs no file system. */
export interface HostProbe {
  platform: NodeJS.Platform;
  arch: NodeJS.Architecture;
  hasCommand(name: string): boolean;
  hasFile(pattern: string): boolean;
}

/** The needs that this computer does not meet, in the order given. */
export function missingNeeds(needs: readonly SystemNeed[], host: HostProbe): SystemNeed[] {
  return needs.filter((need) => {
    if (need.arch !== undefined && need.arch !== host.arch) return false;
    const byCommand = need.commands?.some((name) => host.hasCommand(name)) ?? false;
    const byFile = need.files?.some((pattern) => host.hasFile(pattern)) ?? false;
    return !byCommand && !byFile;
  });
}

/** This computer's package manager, or undefined when it is none that we know. */
export function findPackageManager(host: HostProbe): PackageManager | undefined {
  return managers.find((entry) => entry.platform === host.platform && host.hasCommand(entry.command))?.manager;
}

/** Names of the packages that meet the needs; empty for a manager that has none of them. */
export function packagesFor(manager: PackageManager, needs: readonly SystemNeed[]): string[] {
  return [...new Set(needs.flatMap((need) => need.packages[manager] ?? []))];
}

/**
 * The command that installs packages, as a list of words without `sudo`.
 * @param packages at least one name
 */
export function installCommand(manager: PackageManager, packages: readonly string[]): string[] {
  switch (manager) {
    case 'apt':
      return ['apt-get', 'install', '-y', '--no-install-recommends', ...packages];
    case 'dnf':
      return ['dnf', 'install', '-y', ...packages];
    case 'zypper':
      return ['zypper', '--non-interactive', 'install', ...packages];
    case 'pacman':
      return ['pacman', '-S', '--needed', '--noconfirm', ...packages];
    case 'brew':
      return ['brew', 'install', ...packages];
    case 'winget':
      return ['winget', 'install', '--exact', '--id', ...packages];
  }
}

/** The same command as a person types it: with `sudo` where the manager needs it. */
export function installCommandText(manager: PackageManager, packages: readonly string[], isRoot: boolean): string {
  const needsRoot = !isRoot && manager !== 'brew' && manager !== 'winget';
  return [...(needsRoot ? ['sudo'] : []), ...installCommand(manager, packages)].join(' ');
}

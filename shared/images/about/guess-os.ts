/** What system a disc installs or starts: told by what distributions write on their discs about themselves, else by its name. */
import type { IsoFiles } from './iso-files.ts';
import { osOf, type GuessedOs } from './os.ts';

/** Names of discs, by their makers' habits; `$1` is the version. */
const labels: readonly (readonly [RegExp, string, string])[] = [
  [/^debian (\d[\d.]*)/i, 'debian', 'Debian $1'],
  [/^ubuntu(?:-server|-budgie|-mate)? (\d\d\.\d\d(?:\.\d)?)/i, 'ubuntu', 'Ubuntu $1'],
  [/^fedora-(?:[a-z_]+-)*(\d{2,3})(?:-|$)/i, 'fedora', 'Fedora $1'],
  [/^rocky-(\d+)-(\d+)/i, 'rocky', 'Rocky Linux $1.$2'],
  [/^almalinux-(\d+)-(\d+)/i, 'almalinux', 'AlmaLinux $1.$2'],
  [/^(?:centos-stream|centos stream)-?(\d+)/i, 'centos', 'CentOS Stream $1'],
  [/^opensuse-leap-(\d+\.\d+)/i, 'opensuse', 'openSUSE Leap $1'],
  [/^opensuse-(?:tumbleweed|microos|aeon)/i, 'opensuse', 'openSUSE'],
  [/^alpine-\w+ (\d+\.\d+(?:\.\d+)?)/i, 'alpine', 'Alpine $1'],
  [/^arch_(\d{4})(\d\d)/i, 'arch', 'Arch Linux $1-$2'],
  [/^nixos-\w+-(\d\d\.\d\d)/i, 'nixos', 'NixOS $1'],
  [/^(\d+)_(\d+)_(?:release|stable|rc\d*|beta\d*)_\w+_(?:cd|dvd|bo)/i, 'freebsd', 'FreeBSD $1.$2'],
  [/^freebsd/i, 'freebsd', 'FreeBSD'],
  [/^opnsense/i, 'opnsense', 'OPNsense'],
  [/^pfsense/i, 'pfsense', 'pfSense'],
  [/^openbsd/i, 'openbsd', 'OpenBSD'],
  [/^talos[-_ ]?v?(\d+)[._](\d+)/i, 'talos', 'Talos Linux $1.$2'],
  [/^talos/i, 'talos', 'Talos Linux'],
  [/^virtio-win-?(\d[\d.]*)?/i, 'virtio-win', 'Windows guest drivers (virtio-win) $1'],
  [/^pve\b/i, 'proxmox', 'Proxmox VE'],
  [/^(?:sss|ssd|ssm|cpba|cena|ccsa|ccoma|cccoma|cpra|jm\d|j_ccsa|esd-iso|desd|irm_c|gsp1|hrm_)\w*_(?:x64|x86|a64|dv\d)/i, 'windows', 'Windows'],
];

/** @returns undefined where nothing tells */
export async function guessOs(files: IsoFiles, label: string | undefined): Promise<GuessedOs | undefined> {
  return (await bySelfDescription(files)) ?? byLabel(label ?? '') ?? (await byFiles(files));
}

export function byLabel(label: string): GuessedOs | undefined {
  for (const [pattern, id, name] of labels) {
    const match = pattern.exec(label.trim());
    if (match) return osOf(id, name.replaceAll(/\$(\d)/g, (_all, group: string) => match[Number(group)] ?? '').trim());
  }
  return undefined;
}

async function bySelfDescription(files: IsoFiles): Promise<GuessedOs | undefined> {
  // Debian's and its descendants': `Debian GNU/Linux 12.5.0 "Bookworm" - Official amd64 NETINST with firmware …`
  const info = (await files.text('.disk/info')) ?? (await files.text('_disk/info'));
  const [, name = '', version = ''] = /^([A-Za-z][^\d"\n]*?)[ -]+(\d[\w.]*)/.exec(info ?? '') ?? [];
  if (name !== '') return named(name.replace(/ GNU\/Linux$/, ''), version);
  // Fedora's and its relatives'.
  const tree = await files.text('.treeinfo');
  const family = /^family\s*=\s*(.+)$/m.exec(tree ?? '')?.[1]?.trim();
  if (family) return named(family, /^version\s*=\s*(.+)$/m.exec(tree ?? '')?.[1]?.trim() ?? '');
  // SUSE's: `/ openSUSE-Leap 15.5-1`.
  const [, product, release = ''] = /^\/ (\S+) (\d[\d.]*)/m.exec((await files.text('media.1/products')) ?? '') ?? [];
  if (product) return named(product.replaceAll('-', ' '), release);
  const alpine = /(\d+\.\d+(?:\.\d+)?)/.exec((await files.text('.alpine-release')) ?? '')?.[1];
  return alpine === undefined ? undefined : named('Alpine', alpine);
}

function named(name: string, version: string): GuessedOs {
  const word = /[a-z]+/.exec(name.toLowerCase())?.[0] ?? '';
  return osOf(word === 'red' ? 'rhel' : word, `${name} ${version}`.trim());
}

/** What only one system has on its discs. */
const marks: readonly (readonly [folder: string, name: string, id: string, os: string])[] = [
  ['sources', 'install.wim', 'windows', 'Windows'],
  ['sources', 'install.esd', 'windows', 'Windows'],
  ['sources', 'boot.wim', 'windows', 'Windows'],
  ['', 'arch', 'arch', 'Arch Linux'],
  ['', 'ipxe.lkrn', 'ipxe', 'iPXE'],
  ['', 'ipxe.krn', 'ipxe', 'iPXE'],
  ['boot/grub', 'debian', 'debian', 'Debian'],
];

/** Words in the texts of boot loaders' menus. */
const menus = ['f1.txt', 'isolinux/f1.txt', 'isolinux/menu.cfg', 'isolinux/txt.cfg', 'menu.cfg', 'txt.cfg', 'isolinux.cfg', 'isolinux/isolinux.cfg', 'boot/grub/grub.cfg', 'efi/boot/grub.cfg', 'boot/isolinux/isolinux.cfg'];
const menuWords: readonly (readonly [RegExp, string, string])[] = [
  [/\bubuntu\b/i, 'ubuntu', 'Ubuntu'],
  [/\bdebian\b/i, 'debian', 'Debian'],
  [/home assistant/i, 'haos', 'Home Assistant OS'],
  [/talos/i, 'talos', 'Talos Linux'],
  [/fedora/i, 'fedora', 'Fedora'],
];

async function byFiles(files: IsoFiles): Promise<GuessedOs | undefined> {
  for (const [folder, name, id, os] of marks) if ((await files.names(folder)).includes(name)) return osOf(id, os);
  for (const path of menus) {
    const text = await files.text(path);
    const found = text === undefined ? undefined : menuWords.find(([pattern]) => pattern.test(text));
    if (found) return osOf(found[1], found[2]);
  }
  return undefined;
}

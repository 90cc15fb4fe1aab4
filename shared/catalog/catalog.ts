/** Images that their makers offer for download, for x86-64. Sizes are about right; what counts is read from the file. */
import type { CatalogEntry } from '../contract/catalog.ts';

const mib = 2 ** 20;
const gib = 2 ** 30;

type Known = Omit<CatalogEntry, 'own'>;

const beside = (url: string, ending: string): Pick<Known, 'url' | 'checksumUrl'> => ({ url, checksumUrl: `${url}${ending}` });
const inFolder = (folder: string, file: string, sums: string): Pick<Known, 'url' | 'checksumUrl'> => ({ url: `${folder}/${file}`, checksumUrl: `${folder}/${sums}` });

export const knownImages: readonly Known[] = [
  {
    id: 'debian-13', name: 'Debian 13', kind: 'disk', user: 'debian', sizeBytes: 420 * mib, diskBytes: 3 * gib,
    ...inFolder('https://cloud.debian.org/images/cloud/trixie/latest', 'debian-13-generic-amd64.qcow2', 'SHA512SUMS'),
  },
  {
    id: 'debian-12', name: 'Debian 12', kind: 'disk', user: 'debian', sizeBytes: 420 * mib, diskBytes: 3 * gib,
    ...inFolder('https://cloud.debian.org/images/cloud/bookworm/latest', 'debian-12-generic-amd64.qcow2', 'SHA512SUMS'),
  },
  {
    id: 'ubuntu-24.04', name: 'Ubuntu 24.04 LTS', kind: 'disk', user: 'ubuntu', sizeBytes: 600 * mib, diskBytes: 4 * gib,
    ...inFolder('https://cloud-images.ubuntu.com/noble/current', 'noble-server-cloudimg-amd64.img', 'SHA256SUMS'),
  },
  {
    id: 'ubuntu-22.04', name: 'Ubuntu 22.04 LTS', kind: 'disk', user: 'ubuntu', sizeBytes: 650 * mib, diskBytes: 3 * gib,
    ...inFolder('https://cloud-images.ubuntu.com/jammy/current', 'jammy-server-cloudimg-amd64.img', 'SHA256SUMS'),
  },
  {
    id: 'fedora-42', name: 'Fedora Cloud 42', kind: 'disk', user: 'fedora', sizeBytes: 520 * mib, diskBytes: 5 * gib,
    ...inFolder('https://download.fedoraproject.org/pub/fedora/linux/releases/42/Cloud/x86_64/images', 'Fedora-Cloud-Base-Generic-42-1.1.x86_64.qcow2', 'Fedora-Cloud-42-1.1-x86_64-CHECKSUM'),
  },
  {
    id: 'opensuse-leap-15.6', name: 'openSUSE Leap 15.6', kind: 'disk', user: 'opensuse', sizeBytes: 340 * mib, diskBytes: 24 * gib,
    ...beside('https://download.opensuse.org/distribution/leap/15.6/appliances/openSUSE-Leap-15.6-Minimal-VM.x86_64-Cloud.qcow2', '.sha256'),
  },
  {
    id: 'opensuse-microos', name: 'openSUSE MicroOS', kind: 'disk', user: 'opensuse', sizeBytes: 800 * mib, diskBytes: 24 * gib,
    ...beside('https://download.opensuse.org/tumbleweed/appliances/openSUSE-MicroOS.x86_64-OpenStack-Cloud.qcow2', '.sha256'),
  },
  {
    id: 'rocky-9', name: 'Rocky Linux 9', kind: 'disk', user: 'rocky', sizeBytes: 620 * mib, diskBytes: 10 * gib,
    ...beside('https://dl.rockylinux.org/pub/rocky/9/images/x86_64/Rocky-9-GenericCloud-Base.latest.x86_64.qcow2', '.CHECKSUM'),
  },
  {
    id: 'alpine-3.22', name: 'Alpine Linux 3.22', kind: 'disk', user: 'alpine', sizeBytes: 190 * mib, diskBytes: gib,
    ...beside('https://dl-cdn.alpinelinux.org/alpine/v3.22/releases/cloud/generic_alpine-3.22.0-x86_64-bios-cloudinit-r0.qcow2', '.sha512'),
  },
  {
    id: 'arch', name: 'Arch Linux', kind: 'disk', user: 'arch', sizeBytes: 530 * mib, diskBytes: 40 * gib,
    ...beside('https://geo.mirror.pkgbuild.com/images/latest/Arch-Linux-x86_64-cloudimg.qcow2', '.SHA256'),
  },
  {
    id: 'freebsd-14.3', name: 'FreeBSD 14.3', kind: 'disk', user: 'freebsd', sizeBytes: 620 * mib, diskBytes: 7 * gib,
    ...inFolder('https://download.freebsd.org/releases/VM-IMAGES/14.3-RELEASE/amd64/Latest', 'FreeBSD-14.3-RELEASE-amd64-BASIC-CLOUDINIT-ufs.qcow2.xz', 'CHECKSUM.SHA256'),
  },
  {
    id: 'talos', name: 'Talos Linux 1.10', kind: 'iso', sizeBytes: 310 * mib, note: 'Has no login: it is driven by talosctl.',
    ...inFolder('https://github.com/siderolabs/talos/releases/download/v1.10.5', 'metal-amd64.iso', 'sha256sum.txt'),
  },
  {
    id: 'haos', name: 'Home Assistant OS 15', kind: 'disk', sizeBytes: 400 * mib, diskBytes: 32 * gib, note: 'Starts by UEFI only. Its maker publishes no list of checksums.',
    url: 'https://github.com/home-assistant/operating-system/releases/download/15.2/haos_ova-15.2.qcow2.xz',
  },
  {
    id: 'virtio-win', name: 'Windows guest drivers (virtio-win)', kind: 'iso', sizeBytes: 760 * mib, note: 'A second disc beside Windows’ own installer. Its maker publishes no list of checksums.',
    url: 'https://fedorapeople.org/groups/virt/virtio-win/direct-downloads/stable-virtio/virtio-win.iso',
  },
  { id: 'opnsense', name: 'OPNsense', kind: 'iso', page: 'https://opnsense.org/download/', note: 'Packed with bzip2: download the DVD image, unpack it, and drop it on this window.' },
  { id: 'windows-11', name: 'Windows 11 Enterprise, evaluation', kind: 'iso', page: 'https://www.microsoft.com/evalcenter/evaluate-windows-11-enterprise', note: 'Microsoft asks for a form first. Drop the ISO on this window; it needs UEFI and a TPM.' },
  { id: 'windows-server-2025', name: 'Windows Server 2025, evaluation', kind: 'iso', page: 'https://www.microsoft.com/evalcenter/evaluate-windows-server-2025', note: 'Microsoft asks for a form first. Drop the ISO on this window.' },
];

/** What an image is, in a few words. */
import type { Image } from '#shared/contract/images.ts';
import { formatBytes } from '#shared/format/units.ts';
import { formatNames } from '#shared/images/finding.ts';

export type About = Image['about'];

/** The system in it, how it starts, and its volume's name, as far as they are known; empty where nothing is. */
export function aboutWords(about: About): string {
  if (!about) return '';
  return [about.os?.name, bootWords(about), about.label === undefined ? undefined : `volume “${about.label}”`].filter((part) => part !== undefined).join(', ');
}

function bootWords({ boots }: NonNullable<About>): string | undefined {
  if (!boots) return undefined;
  if (boots.length === 0) return 'does not boot';
  return `boots by ${boots.map((firmware) => (firmware === 'bios' ? 'BIOS' : 'UEFI')).join(' and ')}`;
}

/** `QCOW2 disk image`, with the disk in it where that has another size than the file. */
export function formatWords(image: Pick<Image, 'kind' | 'about' | 'sizeBytes'>): string {
  const { format, virtualSizeBytes } = image.about ?? {};
  const name = format === undefined ? (image.kind === 'iso' ? 'ISO image' : 'Disk image') : formatNames[format];
  const inside = virtualSizeBytes !== undefined && virtualSizeBytes !== image.sizeBytes ? ` of ${formatBytes(virtualSizeBytes)}` : '';
  return `${name.slice(0, 1).toUpperCase()}${name.slice(1)}${inside}`;
}

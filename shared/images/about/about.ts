/** What an image is, beyond its format: its name, how it boots and what system is in it. Read from the file, never from its name. */
import type { Firmware, ImageFinding, ImageFormat } from '../finding.ts';
import { guessOs } from './guess-os.ts';
import { isoFiles } from './iso-files.ts';
import type { GuessedOs } from './os.ts';
import { diskBoots } from './partitions.ts';
import type { ReadRange } from './read-range.ts';
import { udfLabel } from './udf-label.ts';
import { vhdxSize } from './vhdx-size.ts';

export interface ImageAbout {
  format?: ImageFormat;
  /** The volume's name. */
  label?: string;
  /** With which firmware it starts; empty: with none. Absent: it does not tell. */
  boots?: Firmware[];
  os?: GuessedOs;
  /** The disk that a guest sees, in bytes. */
  virtualSizeBytes?: number;
}

/**
 * @param finding of the image's first bytes, unpacked
 * @param read of the same; what cannot be read tells nothing
 */
export async function aboutImage(finding: ImageFinding, read: ReadRange): Promise<ImageAbout> {
  const { format, virtualSizeBytes } = finding;
  const about: ImageAbout = { ...(format ? { format } : {}), ...(virtualSizeBytes === undefined ? {} : { virtualSizeBytes }) };
  if (finding.kind === 'iso') return { ...about, ...(await aboutDisc(finding, read)) };
  if (format === 'vhdx') {
    const size = await vhdxSize(read);
    return { ...about, ...(size === undefined ? {} : { virtualSizeBytes: size }) };
  }
  const boots = format === 'raw' ? await diskBoots(read) : [];
  return boots.length === 0 ? about : { ...about, boots };
}

async function aboutDisc(finding: ImageFinding, read: ReadRange): Promise<ImageAbout> {
  const label = finding.format === 'udf' ? await udfLabel(read) : finding.label;
  const os = await guessOs(await isoFiles(read), label);
  // A boot record whose catalog was not found is one all the same.
  const boots = finding.bootable && finding.boots?.length === 0 ? undefined : finding.boots;
  return { ...(label === undefined ? {} : { label }), ...(boots ? { boots } : {}), ...(os ? { os } : {}) };
}

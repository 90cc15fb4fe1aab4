/** ISO 9660 (ECMA-119), El Torito boot records and UDF (ECMA-167) as they lie on disc images. */
import { hasText, textAt, u16, u32 } from './bytes.ts';
import type { Firmware, ImageFinding } from './finding.ts';
import { withExpectedSize } from './truncation.ts';

const sector = 2048;
/** Volume descriptors begin here; the area before is free for boot code (hybrid images). */
const descriptorArea = 16;
/**
 * Disc images are written with up to 150 sectors of padding, which the volume's size may count and copying tools
 * may drop: a file that lacks only that is whole.
 */
const paddingBytes = 150 * sector;

/** The finding for a disc image, or undefined when this is none. */
export function recognizeIso(head: Uint8Array, sizeBytes: number | undefined): ImageFinding | undefined {
  let primary: number | undefined;
  let bootCatalog: number | undefined;
  let udf = false;
  let end = false;
  for (let index = descriptorArea; (index + 1) * sector <= head.length && index < descriptorArea + 64; index++) {
    const at = index * sector;
    const name = textAt(head, at + 1, 5);
    if (name === 'NSR02' || name === 'NSR03') udf = true;
    else if (name === 'CD001' && !end) {
      const type = head[at];
      if (type === 1) primary ??= at;
      else if (type === 0 && hasText(head, at + 7, 'EL TORITO SPECIFICATION')) bootCatalog ??= u32(head, at + 0x47);
      else if (type === 255) end = true;
    } else if (!['CD001', 'BEA01', 'TEA01', 'BOOT2', 'CDW02'].includes(name)) break;
  }
  if (primary === undefined && !udf) return undefined;

  const finding: ImageFinding = {
    kind: 'iso',
    format: primary === undefined ? 'udf' : 'iso9660',
    truncated: false,
    bootable: bootCatalog !== undefined,
    boots: bootCatalog === undefined ? [] : firmwareOf(head, bootCatalog * sector),
    hybrid: head[510] === 0x55 && head[511] === 0xaa,
  };
  if (primary === undefined) return finding;
  const label = textAt(head, primary + 40, 32).replaceAll('\0', ' ').trim();
  if (label !== '') finding.label = label;
  const volumeBytes = (u32(head, primary + 80) ?? 0) * sector;
  // Never below what is needed to hold the descriptors: a tiny image has padding too.
  const expected = Math.max(volumeBytes - paddingBytes, (descriptorArea + 2) * sector);
  const checked = withExpectedSize(finding, expected, sizeBytes);
  return checked.truncated ? withExpectedSize(finding, volumeBytes, sizeBytes) : { ...checked, expectedSizeBytes: volumeBytes };
}

/** Reads the boot catalog: a validation entry, the default entry, then sections with a platform each. */
function firmwareOf(head: Uint8Array, catalog: number): Firmware[] {
  const found = new Set<Firmware>();
  const add = (platform: number | undefined): void => {
    if (platform === 0) found.add('bios');
    if (platform === 0xef) found.add('uefi');
  };
  if (head[catalog] !== 1 || u16(head, catalog + 30) !== 0xaa55) return [];
  if (head[catalog + 32] === 0x88) add(head[catalog + 1]);
  for (let at = catalog + 64; at + 32 <= head.length; ) {
    const header = head[at];
    // 0x90: a section follows and more after it; 0x91: the last one.
    if (header !== 0x90 && header !== 0x91) break;
    const entries = u16(head, at + 2) ?? 0;
    if (entries > 0 && head[at + 32] === 0x88) add(head[at + 1]);
    if (header === 0x91) break;
    at += 32 * (entries + 1);
  }
  return [...found];
}

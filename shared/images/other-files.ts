/** Files that are no images, told apart well enough to say what they are. */
import { hasText } from './bytes.ts';
import type { ImageFinding, ImageProblem, Packing } from './finding.ts';

interface Signature {
  offset: number;
  text: string;
  name: string;
}

const compressed: readonly Signature[] = [
  { offset: 0, text: '\x1f\x8b', name: 'gzip' },
  { offset: 0, text: '\xfd7zXZ\0', name: 'xz' },
  { offset: 0, text: '\x28\xb5\x2f\xfd', name: 'zstd' },
  { offset: 0, text: 'BZh', name: 'bzip2' },
  { offset: 0, text: '\x04\x22\x4d\x18', name: 'lz4' },
];

const packings: readonly Packing[] = ['gzip', 'xz', 'zstd'];

const archives: readonly Signature[] = [
  { offset: 0, text: 'PK\x03\x04', name: 'ZIP archive' },
  { offset: 0, text: '7z\xbc\xaf\x27\x1c', name: '7-Zip archive' },
  { offset: 0, text: 'Rar!\x1a\x07', name: 'RAR archive' },
  { offset: 257, text: 'ustar', name: 'tar archive (OVA files are such archives, too)' },
];

const others: readonly Signature[] = [
  { offset: 0, text: 'MZ', name: 'Windows program' },
  { offset: 0, text: '\x7fELF', name: 'Linux program' },
  { offset: 0, text: '%PDF-', name: 'PDF document' },
  { offset: 0, text: '\x89PNG', name: 'PNG picture' },
  { offset: 0, text: '\xff\xd8\xff', name: 'JPEG picture' },
  { offset: 0, text: '!<arch>\n', name: 'Debian package or library' },
  { offset: 0, text: '\xed\xab\xee\xdb', name: 'RPM package' },
  { offset: 0, text: 'MSWIM\0\0\0', name: 'Windows imaging file (WIM)' },
  { offset: 0, text: 'xar!', name: 'macOS package' },
];

const useful = 'Choose an ISO file, or a disk image (QCOW2, raw, VMDK, VDI, VHDX or VHD).';

function find(signatures: readonly Signature[], head: Uint8Array): string | undefined {
  return signatures.find(({ offset, text }) => hasText(head, offset, text))?.name;
}

function refused(kind: ImageFinding['kind'], problem: ImageProblem): ImageFinding {
  return { kind, truncated: false, problem };
}

const notAnImage = (kind: ImageFinding['kind'], message: string, hint = useful): ImageFinding =>
  refused(kind, { code: 'not-an-image', message, hint });

/** What a file is packed with, from its first bytes, where the engine can unpack it. */
export function packingOf(head: Uint8Array): Packing | undefined {
  const compression = find(compressed, head);
  return packings.find((name) => name === compression);
}

/** The finding for a compressed file or an archive, which may well have an image inside; else undefined. */
export function recognizePacked(head: Uint8Array): ImageFinding | undefined {
  const compression = find(compressed, head);
  if (compression !== undefined) {
    const packing = packingOf(head);
    const finding = refused('compressed', {
      code: 'unsupported',
      message: `This file is compressed with ${compression}.`,
      hint: 'Decompress it first, and use the image inside.',
    });
    return packing === undefined ? finding : { ...finding, packing };
  }
  const archive = find(archives, head);
  if (archive !== undefined) {
    return refused('archive', {
      code: 'unsupported',
      message: `This is a ${archive}, not an image.`,
      hint: 'Unpack it first, and use the ISO file or disk image inside.',
    });
  }
  return undefined;
}

/** What to say of a file that is nothing we know. */
export function describeOther(head: Uint8Array): ImageFinding {
  if (head.length === 0) {
    return notAnImage('empty', 'The file is empty.', 'Download or copy it again.');
  }
  const name = find(others, head);
  if (name !== undefined) return notAnImage('unknown', `This is a ${name}, not an ISO or disk image.`);
  if (isText(head)) {
    return /<(?:!doctype\s+html|html)\b/i.test(new TextDecoder().decode(head.subarray(0, 1024)))
      ? notAnImage('text', 'This is a web page, not an ISO or disk image.', 'The download gave an HTML page in place of the image. Open the link in a browser and look for the real download.')
      : notAnImage('text', 'This is a text file, not an ISO or disk image.');
  }
  if (head.every((byte) => byte === 0)) {
    return notAnImage(
      'unknown',
      'The beginning of the file is all zeros: there is no ISO and no disk in it.',
      'This happens when a download or copy was broken off. Download or copy it again.',
    );
  }
  return notAnImage('unknown', 'This is neither an ISO nor a disk image that Hayloft knows.');
}

/** Text in UTF-8 (or any other extension of ASCII): no NULs, no control characters but the usual ones. */
function isText(head: Uint8Array): boolean {
  const control = head.some((byte) => (byte < 32 && ![9, 10, 12, 13, 27].includes(byte)) || byte === 127);
  if (control) return false;
  try {
    // `stream`: the last character may have been cut in two.
    new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: true });
    return true;
  } catch {
    return head.every((byte) => byte < 128);
  }
}

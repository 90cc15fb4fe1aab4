/** Small files in a tar archive (POSIX ustar), as KubeVirt exports volumes that hold files. Pure. */

export interface TarEntry {
  /** Relative, with `/` between folders; at most 100 bytes. */
  name: string;
  content: Buffer;
}

const blockBytes = 512;
const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`;

/** Files that their owner alone may read. */
export function writeTar(entries: readonly TarEntry[]): Buffer {
  const blocks = entries.flatMap(({ name, content }) => [headerOf(name, content.length), content, Buffer.alloc(padding(content.length))]);
  return Buffer.concat([...blocks, Buffer.alloc(2 * blockBytes)]);
}

function headerOf(name: string, bytes: number): Buffer {
  if (Buffer.byteLength(name) > 100) throw new RangeError(`The name ${name} is too long for an archive.`);
  const header = Buffer.alloc(blockBytes);
  header.write(name, 0);
  header.write(octal(0o600, 7), 100);
  header.write(octal(0, 7), 108);
  header.write(octal(0, 7), 116);
  header.write(octal(bytes, 11), 124);
  header.write(octal(0, 11), 136);
  header.write('0', 156);
  header.write('ustar\x0000', 257, 'latin1');
  header.write(`${octal(sumOf(header), 6)} `, 148);
  return header;
}

/**
 * @returns the plain files in it; folders, links and what else there is are left out
 * @throws RangeError where it is no archive, or is cut off
 */
export function readTar(archive: Buffer): TarEntry[] {
  const entries: TarEntry[] = [];
  for (let at = 0; at + blockBytes <= archive.length; ) {
    const header = archive.subarray(at, at + blockBytes);
    if (header.every((byte) => byte === 0)) return entries;
    if (numberAt(header, 148, 8) !== sumOf(header)) throw new RangeError('It is no tar archive, or damaged.');
    const bytes = numberAt(header, 124, 12);
    const from = at + blockBytes;
    if (from + bytes > archive.length) throw new RangeError('The archive is cut off.');
    const kind = header[156];
    const prefix = textAt(header, 345, 155);
    const name = `${prefix === '' ? '' : `${prefix}/`}${textAt(header, 0, 100)}`.replace(/^\.\//, '');
    if (kind === 0 || kind === 0x30) entries.push({ name, content: archive.subarray(from, from + bytes) });
    at = from + bytes + padding(bytes);
  }
  throw new RangeError('The archive is cut off.');
}

const padding = (bytes: number): number => (blockBytes - (bytes % blockBytes)) % blockBytes;

/** Of all bytes of a header, those of the sum itself taken as spaces. */
const sumOf = (header: Buffer): number => header.reduce((sum, byte, index) => sum + (index >= 148 && index < 156 ? 0x20 : byte), 0);

function textAt(header: Buffer, from: number, length: number): string {
  const field = header.subarray(from, from + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? length : end);
}

function numberAt(header: Buffer, from: number, length: number): number {
  const value = Number.parseInt(textAt(header, from, length).trim(), 8);
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError('It is no tar archive, or damaged.');
  return value;
}

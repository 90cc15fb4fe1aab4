/** Checksums as people have them: pasted, or in a file beside the image's on its publisher's server. Pure. */

const sha256 = /^[0-9a-f]{64}$/i;
/** `SUM  NAME` or `SUM *NAME` (coreutils' sha256sum; a backslash before it says that the name has escapes). */
const listed = /^\\?([0-9a-f]{64})[ \t]+\*?(.+)$/i;
/** `SHA256 (NAME) = SUM` (BSD's sha256, and the CHECKSUM files of Fedora and Rocky). */
const tagged = /^SHA256 \((.+)\) = ([0-9a-f]{64})$/i;
/** What files with sums are called: SHA256SUMS, name.iso.sha256, name-CHECKSUM, sha256sum.txt. */
const sumFile = /(?:sha256|checksum)(?:sums?)?(?:\.txt)?$/i;
/** Lists of sums are texts of a few lines. */
const mostBytes = 1024 * 1024;

export interface Sums {
  /** In lower case hex, by the file's name without its folder. */
  byName: Map<string, string>;
  /** A sum that stands alone, for whichever file it is said of. */
  alone?: string;
}

/** Whether a file is a list of sums, and no image. */
export const isSumFile = ({ name, size }: { name: string; size: number }): boolean => size <= mostBytes && sumFile.test(name);

/** @returns what is said of SHA-256 sums; other lines, and sums of other kinds, are passed over */
export function readSums(text: string): Sums {
  const byName = new Map<string, string>();
  let alone: string | undefined;
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.trim();
    const bare = line.replace(/^sha256:/i, '');
    if (sha256.test(bare)) alone ??= bare.toLowerCase();
    const [, sum = '', name = ''] = listed.exec(line) ?? [];
    const [, otherName = '', otherSum = ''] = tagged.exec(line) ?? [];
    const found = name || otherName;
    if (found !== '') byName.set(found.replace(/^.*\//, ''), (sum || otherSum).toLowerCase());
  }
  return { byName, ...(alone === undefined ? {} : { alone }) };
}

/** The sum that is meant for this file: by its name, or the only one there is. */
export function sumFor({ byName, alone }: Sums, fileName: string): string | undefined {
  return byName.get(fileName) ?? (byName.size === 0 ? alone : undefined);
}

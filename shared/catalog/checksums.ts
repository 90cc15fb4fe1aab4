/** Checksums as makers of images publish them: SHA-256 or SHA-512, in lists or alone. Pure. */

/** `sha256:…` or `sha512:…`, as CDI writes them. */
export type Checksum = `${'sha256' | 'sha512'}:${string}`;

const hex = /^(?:sha(?:256|512):)?([0-9a-f]{64}|[0-9a-f]{128})$/i;
const listed = /^\\?([0-9a-f]{64}|[0-9a-f]{128})[ \t]+\*?(.+)$/i;
const tagged = /^SHA(?:256|512) \((.+)\) = ([0-9a-f]{64}|[0-9a-f]{128})$/i;

const named = (sum: string): Checksum => `sha${sum.length === 64 ? 256 : 512}:${sum.toLowerCase()}`;

/** @returns undefined where the text is no checksum */
export function checksumOf(text: string): Checksum | undefined {
  const sum = hex.exec(text.trim())?.[1];
  return sum === undefined ? undefined : named(sum);
}

/** @returns what a list says of a file, or the only sum that is in it alone; undefined where there is none */
export function publishedSum(text: string, fileName: string): Checksum | undefined {
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.trim();
    const alone = checksumOf(line);
    if (alone) return alone;
    const [, first, name] = listed.exec(line) ?? [];
    const [, otherName, other] = tagged.exec(line) ?? [];
    const sum = first ?? other;
    if (sum !== undefined && (name ?? otherName)?.replace(/^.*\//, '') === fileName) return named(sum);
  }
  return undefined;
}

/** Names that Kubernetes takes (RFC 1123 labels), and making them from what people write. */

const longest = 63;

/** @returns what is wrong with the name, as a sentence, or undefined */
export function nameProblem(name: string): string | undefined {
  if (name === '') return 'A name is needed.';
  if (name.length > longest) return `A name can have ${longest} characters at most.`;
  if (!/^[a-z0-9-]*$/.test(name)) return 'A name is made of lower-case letters, digits and hyphens.';
  if (name.startsWith('-') || name.endsWith('-')) return 'A name begins and ends with a letter or a digit.';
  return undefined;
}

/**
 * A valid name that looks like the text and is not taken: `Debian 12.iso` becomes `debian-12-iso`, the next one
 * `debian-12-iso-2`.
 * @param room characters to leave free at the end, for what is appended to the name later
 */
export function uniqueName(text: string, taken: Iterable<string>, room = 8): string {
  const plain = text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, longest - room)
    .replace(/^-+|-+$/g, '');
  const base = plain === '' ? 'unnamed' : plain;
  const used = new Set(taken);
  let name = base;
  for (let number = 2; used.has(name); number++) name = `${base}-${number}`;
  return name;
}

/** Names for objects that were created with `generateName`. */
import { randomInt } from 'node:crypto';

/** No vowels and nothing that is easily misread, so that no words come out by chance. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
const suffixLength = 5;
/** Leaves room in a label (63 characters) for the suffix. */
const maxBase = 63 - suffixLength;

/** @param base what the name begins with, e.g. `upload-` */
export function generateName(base: string): string {
  let suffix = '';
  while (suffix.length < suffixLength) suffix += alphabet.charAt(randomInt(alphabet.length));
  return base.slice(0, maxBase) + suffix;
}

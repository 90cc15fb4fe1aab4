/**
 * SHA-512 crypt, as `/etc/shadow` and cloud-init take passwords: Node has no crypt(3). Source: Ulrich Drepper,
 * "Unix crypt using SHA-256 and SHA-512", 2008, whose steps are numbered here as there.
 */
import { createHash, randomInt } from 'node:crypto';

const alphabet = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const saltLength = 16;
const digestLength = 64;
/** crypt(3)'s own number where the salt names none. */
const rounds = 5000;

const sha512 = (...parts: Uint8Array[]): Buffer => parts.reduce((hash, part) => hash.update(part), createHash('sha512')).digest();

const newSalt = (): string => Array.from({ length: saltLength }, () => alphabet[randomInt(alphabet.length)] ?? '').join('');

/** As many bytes as asked for, the block over and over. */
const stretched = (block: Buffer, length: number): Buffer => Buffer.alloc(length, block);

/**
 * @param password any text; its UTF-8 bytes count
 * @param salt 1 to 16 characters out of crypt's alphabet; default: a new one
 * @returns `$6$salt$hash`
 */
export function sha512Crypt(password: string, salt = newSalt()): string {
  const key = Buffer.from(password);
  const salted = Buffer.from(salt);
  const alternate = sha512(key, salted, key); // 4–8
  const bits: Buffer[] = []; // 11
  for (let left = key.length; left > 0; left >>= 1) bits.push(left & 1 ? alternate : key);
  let digest = sha512(key, salted, stretched(alternate, key.length), ...bits); // 1–3, 9–12
  const p = stretched(sha512(...Array<Buffer>(key.length).fill(key)), key.length); // 13–16
  const s = stretched(sha512(...Array<Buffer>(16 + (digest[0] ?? 0)).fill(salted)), salted.length); // 17–20
  for (let round = 0; round < rounds; round++) { // 21
    const odd = round % 2 === 1;
    digest = sha512(odd ? p : digest, ...(round % 3 === 0 ? [] : [s]), ...(round % 7 === 0 ? [] : [p]), odd ? digest : p);
  }
  return `$6$${salt}$${encode(digest)}`; // 22
}

/** Three bytes make four characters, lowest bits first; each group takes one byte out of each third of the digest. */
function encode(digest: Buffer): string {
  const third = 21;
  let text = '';
  const put = (value: number, characters: number): void => {
    for (let left = characters, rest = value; left > 0; left--, rest >>= 6) text += alphabet[rest & 63] ?? '';
  };
  for (let group = 0; group < third; group++) {
    const [a, b, c] = [0, 1, 2].map((offset) => digest[group + third * ((group + offset) % 3)] ?? 0);
    put(((a ?? 0) << 16) | ((b ?? 0) << 8) | (c ?? 0), 4);
  }
  put(digest[digestLength - 1] ?? 0, 2);
  return text;
}

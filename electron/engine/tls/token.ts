/** The token by which the engine knows its owner. */
import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync } from 'node:fs';
import { writePrivateFile } from '../private-file.ts';

const pattern = /^[A-Za-z0-9_-]{43}$/;

/** Makes a token in place of the one that is there. */
export function replaceToken(path: string): string {
  const token = randomBytes(32).toString('base64url');
  writePrivateFile(path, `${token}\n`);
  return token;
}

/** Reads the token, or makes one: 256 random bits. */
export function ensureToken(path: string): string {
  try {
    const token = readFileSync(path, 'utf8').trim();
    chmodSync(path, 0o600);
    if (pattern.test(token)) return token;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
  return replaceToken(path);
}

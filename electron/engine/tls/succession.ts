/**
 * The authority that is to follow the one in use. Until its time comes clients are told to trust both, and the server still
 * shows what the one in use has signed: so whoever fetches a kubeconfig in between never notices the change.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writePrivateFile } from '../private-file.ts';
import type { KeyPair } from './key-pair.ts';
import { readPair, removePair, writePair } from './pair-files.ts';

export interface NextAuthority extends KeyPair {
  /** Milliseconds since 1970. */
  from: number;
}

const name = 'next-ca';

export function readNext(folder: string): NextAuthority | undefined {
  const pair = readPair(folder, name);
  if (!pair) return undefined;
  try {
    const { from } = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as { from: string };
    const time = Date.parse(from);
    return Number.isNaN(time) ? undefined : { ...pair, from: time };
  } catch {
    // Its creation was cut off, and nobody was told of it.
    return undefined;
  }
}

/** Certificates of the authority in use and of the one to follow it, PEM. */
export function trustedAuthorities(folder: string): string {
  return bundleOf(readFileSync(join(folder, 'ca.crt'), 'utf8'), readNext(folder));
}

export const bundleOf = (ca: string, next: KeyPair | undefined): string => (next ? `${ca.trimEnd()}\n${next.certificate}` : ca);

/** The time last: without it, the rest counts for nothing. */
export function writeNext(folder: string, { from, ...pair }: NextAuthority): void {
  writePair(folder, name, pair);
  writePrivateFile(join(folder, `${name}.json`), `${JSON.stringify({ from: new Date(from).toISOString() })}\n`);
}

/** Cut off in the middle, it is done again at the next start: what is taken is removed last. */
export function takeNext(folder: string, next: NextAuthority): void {
  writePair(folder, 'ca', next);
  removeNext(folder);
}

export function removeNext(folder: string): void {
  rmSync(join(folder, `${name}.json`), { force: true });
  removePair(folder, name);
}

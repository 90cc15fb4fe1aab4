/** Which host key each guest's SSH server is to have: trusted at its first use, and refused when it is another one. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { HostKey } from '#shared/contract/access.ts';
import { HayloftError } from '#shared/contract/errors.ts';

/** By guest, as {@link HostKeys} names it. */
const file = z.record(z.string(), z.object({ type: z.string(), fingerprint: z.string() }));

export class HostKeys {
  readonly #path: string;

  /** @param path of the file that remembers them */
  constructor(path: string) {
    this.#path = path;
  }

  /** What is to be thought of a key. @param guest the machine's uid and the server's port: a new machine has a new key */
  judge(guest: string, key: Buffer): HostKey {
    const shown = { type: keyType(key), fingerprint: fingerprintOf(key) };
    const trusted = this.#read()[guest]?.fingerprint;
    if (trusted === undefined) return { ...shown, state: 'new' };
    return trusted === shown.fingerprint ? { ...shown, state: 'trusted' } : { ...shown, state: 'changed', trusted };
  }

  /** @param replace without it, a guest that has another key keeps that; @throws HayloftError `untrusted` then */
  trust(guest: string, key: { type: string; fingerprint: string }, replace: boolean): void {
    const known = this.#read();
    const before = known[guest]?.fingerprint;
    if (before !== undefined && before !== key.fingerprint && !replace) throw new HayloftError('untrusted', 'Another key is trusted for this machine.');
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
    const fresh = `${this.#path}.new`;
    writeFileSync(fresh, JSON.stringify({ ...known, [guest]: { type: key.type, fingerprint: key.fingerprint } }, undefined, 1), { mode: 0o600 });
    renameSync(fresh, this.#path);
  }

  /** A file that cannot be read is no reason to trust anybody, nor to forget whom it trusts. */
  #read(): z.infer<typeof file> {
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
      throw error;
    }
    try {
      return file.parse(JSON.parse(text));
    } catch (cause) {
      throw new HayloftError('internal', `The file of trusted SSH keys (${this.#path}) cannot be understood.`, {
        hint: 'Remove it; the keys are asked about again then.',
        cause,
      });
    }
  }
}

/** As OpenSSH shows it. */
export const fingerprintOf = (key: Buffer): string => `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;

/** The name at the beginning of a public key (RFC 4253, 6.6). */
function keyType(key: Buffer): string {
  const length = key.length < 4 ? 0 : key.readUInt32BE(0);
  return key.toString('latin1', 4, 4 + Math.min(length, 100));
}

/** A certificate and its key as files: `NAME.crt` and `NAME.key`. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmodSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writePrivateFile } from '../private-file.ts';
import type { KeyPair } from './key-pair.ts';

/** @returns undefined when it is missing, cut short, not PEM, or when the two do not belong together */
export function readPair(folder: string, name: string): KeyPair | undefined {
  try {
    const pair = {
      certificate: readFileSync(join(folder, `${name}.crt`), 'utf8'),
      key: readFileSync(join(folder, `${name}.key`), 'utf8'),
    };
    chmodSync(join(folder, `${name}.key`), 0o600);
    const matches = new X509Certificate(pair.certificate).checkPrivateKey(createPrivateKey(pair.key));
    return matches ? pair : undefined;
  } catch {
    // Made anew in any case.
    return undefined;
  }
}

/** The key first: a certificate without its key counts as missing. */
export function writePair(folder: string, name: string, pair: KeyPair): void {
  writePrivateFile(join(folder, `${name}.key`), pair.key);
  writePrivateFile(join(folder, `${name}.crt`), pair.certificate);
}

export function removePair(folder: string, name: string): void {
  for (const end of ['crt', 'key']) rmSync(join(folder, `${name}.${end}`), { force: true });
}

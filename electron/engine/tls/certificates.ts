/** The engine's own authority and the certificate that its server shows, kept in the data folder. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmodSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { writePrivateFile } from '../private-file.ts';
import type { Issue, KeyPair } from './key-pair.ts';

export interface Certificates {
  /** The authority's certificate, for clients. */
  ca: string;
  server: KeyPair;
}

/** What is valid for less than this is made anew. */
const renewBeforeMs = 30 * 24 * 60 * 60_000;
const ips = ['127.0.0.1', '::1'];

/**
 * Reads the certificates, and makes what is missing, damaged, about to expire, or for another host name. The authority
 * stays as long as it can: clients remember it.
 * @param folder made if it is not there
 * @param issue called only when there is something to make
 */
export async function ensureCertificates(folder: string, issue: Issue, host = hostname()): Promise<Certificates> {
  const dns = [...new Set(['localhost', host.toLowerCase()])].filter((name) => /^[a-z0-9.-]{1,253}$/.test(name));
  const authority = read(folder, 'ca');
  const server = read(folder, 'server');
  if (authority && server && isFresh(authority) && isFresh(server) && serves(server, authority, dns)) {
    return { ca: authority.certificate, server };
  }
  const made = await issue({ authority: authority && isFresh(authority) ? authority : undefined, dns, ip: ips });
  write(folder, 'ca', made.authority);
  write(folder, 'server', made.server);
  return { ca: made.authority.certificate, server: made.server };
}

function read(folder: string, name: string): KeyPair | undefined {
  try {
    const pair = {
      certificate: readFileSync(join(folder, `${name}.crt`), 'utf8'),
      key: readFileSync(join(folder, `${name}.key`), 'utf8'),
    };
    chmodSync(join(folder, `${name}.key`), 0o600);
    const matches = new X509Certificate(pair.certificate).checkPrivateKey(createPrivateKey(pair.key));
    return matches ? pair : undefined;
  } catch {
    // Missing, cut short or not PEM: made anew in any case.
    return undefined;
  }
}

/** The key first: a certificate without its key counts as missing. */
function write(folder: string, name: string, pair: KeyPair): void {
  writePrivateFile(join(folder, `${name}.key`), pair.key);
  writePrivateFile(join(folder, `${name}.crt`), pair.certificate);
}

const isFresh = ({ certificate }: KeyPair): boolean =>
  Date.parse(new X509Certificate(certificate).validTo) - Date.now() > renewBeforeMs;

function serves(server: KeyPair, authority: KeyPair, dns: readonly string[]): boolean {
  const certificate = new X509Certificate(server.certificate);
  return (
    certificate.verify(new X509Certificate(authority.certificate).publicKey) &&
    dns.every((name) => certificate.checkHost(name) !== undefined) &&
    ips.every((ip) => certificate.checkIP(ip) !== undefined)
  );
}

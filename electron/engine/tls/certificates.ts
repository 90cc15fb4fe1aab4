/** The engine's own authority and the certificate that its server shows, kept in the data folder. */
import { X509Certificate } from 'node:crypto';
import type { ServerNames } from '../listen/addresses.ts';
import type { Issue, KeyPair } from './key-pair.ts';
import { readPair, removePair, writePair } from './pair-files.ts';
import { bundleOf, readNext, removeNext, takeNext } from './succession.ts';

export interface Certificates {
  /** The authority's certificate, PEM; two while another is to follow it. Clients trust them all. */
  ca: string;
  server: KeyPair;
}

/** What is valid for less than this is made anew. */
const renewBeforeMs = 30 * 24 * 60 * 60_000;

/**
 * Reads the certificates, and makes what is missing, damaged, about to expire, or lacks a name. The authority stays as
 * long as it can: clients remember it.
 * @param folder made if it is not there
 * @param issue called only when there is something to make
 */
export async function ensureCertificates(folder: string, issue: Issue, names: ServerNames): Promise<Certificates> {
  const next = readNext(folder);
  // Its time has come; or the one before it cannot be used any more.
  const follows = next !== undefined && (next.from <= Date.now() || !readPair(folder, 'ca'));
  if (follows) takeNext(folder, next);
  const authority = readPair(folder, 'ca');
  const server = readPair(folder, 'server');
  const bundle = (ca: string): string => bundleOf(ca, follows ? undefined : next);
  if (authority && server && isFresh(authority) && isFresh(server) && serves(server, authority, names)) {
    return { ca: bundle(authority.certificate), server };
  }
  const made = await issue({ authority: authority && isFresh(authority) ? authority : undefined, ...names });
  writePair(folder, 'ca', made.authority);
  writePair(folder, 'server', made.server);
  return { ca: bundle(made.authority.certificate), server: made.server };
}

/** Forgets the authority and what was to follow it, so that the next call of {@link ensureCertificates} makes another. */
export function dropAuthorities(folder: string): void {
  removeNext(folder);
  removePair(folder, 'ca');
}

const isFresh = ({ certificate }: KeyPair): boolean =>
  Date.parse(new X509Certificate(certificate).validTo) - Date.now() > renewBeforeMs;

function serves(server: KeyPair, authority: KeyPair, { dns, ip }: ServerNames): boolean {
  const certificate = new X509Certificate(server.certificate);
  return (
    certificate.verify(new X509Certificate(authority.certificate).publicKey) &&
    dns.every((name) => certificate.checkHost(name) !== undefined) &&
    ip.every((address) => certificate.checkIP(address) !== undefined)
  );
}

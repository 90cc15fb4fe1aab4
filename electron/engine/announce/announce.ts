/** Announces an engine that others may reach. */
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import packageJson from '../../../package.json' with { type: 'json' };
import type { Log } from '../context.ts';
import { Responder } from './responder.ts';

export interface AnnounceOptions {
  nodeName: string;
  port: number;
  /** Where it listens; see listen/addresses.ts. */
  listen: readonly string[];
  /** Certificates of its authorities, PEM, the one in use first. */
  ca: () => string;
  log: Log;
}

export function announce({ nodeName, port, listen, ca, log }: AnnounceOptions): Responder {
  return new Responder({
    announced: () => ({
      host: hostname(),
      port,
      // By the fingerprint a client knows the engine that a person showed it, before it sends anything.
      text: { version: packageJson.version, node: nodeName, path: '/', ca: fingerprintOf(ca()) },
    }),
    serves: (address) => listen.includes(isIP(address) === 6 ? '::' : '0.0.0.0') || listen.includes(address),
    log,
  });
}

const fingerprintOf = (pem: string): string => `sha256:${new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase()}`;

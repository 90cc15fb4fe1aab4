/** What an import's request is made of: addresses, headers and trust, with what Secrets and ConfigMaps add to them. */
import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { rootCertificates } from 'node:tls';
import type { DataVolume } from '#shared/kube/cdi.ts';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import { configMaps } from '../../core/config-map.ts';
import { secrets } from '../../core/secret.ts';
import type { Resources } from '../../store/resources.ts';

export type HttpSource = NonNullable<NonNullable<DataVolume['spec']['source']>['http']>;

/** A source with everything that it only names filled in. */
export interface HttpTarget {
  url: string;
  headers: Record<string, string>;
  /** Sent to the first server alone, never to one that it points to. */
  secretHeaders: Record<string, string>;
  /** Whom to trust; undefined: whom this computer trusts. */
  ca: string[] | undefined;
}

const mostRedirects = 10;
/** A server that says nothing for so long is taken for gone. */
const silenceMs = 60_000;

/** @throws HayloftError `unreachable` where a Secret or ConfigMap is missing: it may still come */
export function resolveSource(resources: Resources, namespace: string, source: HttpSource): HttpTarget {
  const secret = (name: string): Record<string, string> => {
    const found = resources.get(secrets, namespace, name);
    if (!found) throw missing('Secret', name);
    return Object.fromEntries(Object.entries(found.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));
  };
  const secretHeaders = headersFrom((source.secretExtraHeaders ?? []).flatMap((name) => Object.values(secret(name))));
  if (source.secretRef !== undefined) {
    // CDI's names for them, which come from S3.
    const { accessKeyId = '', secretKey = '' } = secret(source.secretRef);
    secretHeaders['authorization'] = `Basic ${Buffer.from(`${accessKeyId}:${secretKey}`).toString('base64')}`;
  }
  let ca: string[] | undefined;
  if (source.certConfigMap !== undefined) {
    const found = resources.get(configMaps, namespace, source.certConfigMap);
    if (!found) throw missing('ConfigMap', source.certConfigMap);
    ca = [...rootCertificates, ...Object.values(found.data ?? {})];
  }
  return { url: source.url, headers: headersFrom(source.extraHeaders ?? []), secretHeaders, ca };
}

function headersFrom(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
}

const missing = (kind: string, name: string): HayloftError =>
  new HayloftError('unreachable', `The ${kind} "${name}" that the import needs does not exist.`, {
    hint: 'Create it in the same namespace; the import is tried again by itself.',
    retryable: true,
  });

/**
 * Resolves with the last answer's head; redirects are followed.
 * @throws HayloftError `unreachable`, or the signal's reason
 */
export async function get(target: HttpTarget, more: OutgoingHttpHeaders, signal: AbortSignal): Promise<IncomingMessage> {
  let url = new URL(target.url);
  const first = url.host;
  for (let hops = 0; hops <= mostRedirects; hops++) {
    const headers = { 'accept-encoding': 'identity', ...target.headers, ...(url.host === first ? target.secretHeaders : {}), ...more };
    const response = await send(url, headers, target.ca, signal);
    const { location } = response.headers;
    if (![301, 302, 303, 307, 308].includes(response.statusCode ?? 0) || location === undefined) return response;
    response.destroy();
    const next = URL.parse(location, url);
    if (next === null || !['http:', 'https:'].includes(next.protocol)) throw unreachable(url, `it points to ${location}`);
    url = next;
  }
  throw unreachable(new URL(target.url), `it points on and on, more than ${mostRedirects} times`);
}

function send(url: URL, headers: OutgoingHttpHeaders, ca: string[] | undefined, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const options = { headers, signal, agent: false, timeout: silenceMs } as const;
    const sending = url.protocol === 'https:' ? httpsRequest(url, { ...options, ...(ca === undefined ? {} : { ca }) }) : httpRequest(url, options);
    sending.on('response', resolve);
    sending.on('timeout', () => sending.destroy(new Error(`it said nothing for ${silenceMs / 1000} s`)));
    sending.on('error', (error) => reject(signal.aborted ? (signal.reason as Error) : unreachable(url, error.message, error)));
    sending.end();
  });
}

function unreachable(url: URL, reason: string, cause?: unknown): HayloftError {
  return new HayloftError('unreachable', `The server of ${url.href} could not be reached: ${reason}.`, {
    hint: 'Check the address and this computer’s connection; it is tried again by itself.',
    retryable: true,
    cause,
  });
}

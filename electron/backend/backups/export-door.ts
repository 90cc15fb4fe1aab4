/** How an export's downloads are reached: by the address that it names, or through the cluster's API where it names none. */
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { HayloftError } from '#shared/contract/errors.ts';
import type { Secret } from '#shared/kube/core.ts';
import { EXPORT_TOKEN_HEADER, type ExportLink, type VirtualMachineExport } from '#shared/kube/export.ts';
import { abortReason, type ApiClient } from '../clusters/api-client.ts';
import { errorFromAnswer, errorFromNetwork, noAnswer } from '../clusters/api-errors.ts';

/** How long it may be silent: the engine reads empty stretches quickly, packing a full one takes its time. */
const silenceMs = 60_000;

/** @returns the answer once its head says success, the body still to be read. Throws a HayloftError. */
export type Fetch = (url: string, headers: Record<string, string>, signal: AbortSignal) => Promise<IncomingMessage>;

export interface ExportDoor {
  fetch: Fetch;
  link: ExportLink;
}

/** @param found an export that is ready */
export async function openDoor(client: ApiClient, found: VirtualMachineExport): Promise<ExportDoor> {
  const { metadata, status } = found;
  const { namespace = '', name = '' } = metadata;
  const secret = await client.call<Secret>('GET', `/api/v1/namespaces/${namespace}/secrets/${encodeURIComponent(status?.tokenSecretRef ?? '')}`);
  const token = Buffer.from(secret.data?.['token'] ?? '', 'base64').toString();
  const { internal, external } = status?.links ?? {};
  const { server, localSocket } = client.access;
  const near = localSocket === undefined ? undefined : [internal, external].find((link) => link?.volumes?.[0]?.formats?.[0]?.url.startsWith(`${server}/`));
  const link = near ?? external;
  if (link) return { link, fetch: (url, headers, signal) => direct(client, url, link.cert, { ...headers, [EXPORT_TOKEN_HEADER]: token }, signal) };
  if (!internal) throw new HayloftError('unsupported', 'The export names no address to download it from.', { hint: 'Look at the VirtualMachineExport in the cluster.' });
  // The addresses inside the cluster are those of a Service, which the API server leads to.
  const service = status?.serviceName ?? `virt-export-${name}`;
  const base = `/api/v1/namespaces/${namespace}/services/https:${service}:443/proxy`;
  return {
    link: internal,
    fetch: (url, headers, signal) => client.open('GET', base + new URL(url).pathname, { headers: { ...headers, [EXPORT_TOKEN_HEADER]: token }, signal, timeoutMs: silenceMs }),
  };
}

function direct(client: ApiClient, url: string, ca: string, headers: Record<string, string>, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = client.request(url, { method: 'GET', agent: false, ...(ca === '' ? {} : { ca }), headers, signal, timeout: silenceMs }, (response) => {
      const status = response.statusCode ?? 0;
      // What breaks off while it is read is told by the reader.
      response.on('error', () => undefined);
      if (status >= 200 && status < 300) resolve(response);
      else text(response).then((body) => reject(errorFromAnswer(status, body)), (error: unknown) => reject(errorFromNetwork(error, url)));
    });
    request.on('timeout', () => request.destroy(noAnswer(url)));
    request.on('error', (error) => reject(signal.aborted ? abortReason(signal) : errorFromNetwork(error, url)));
    request.end();
  });
}

/** The address that exports are downloaded from: who has the export's token may, whoever he is otherwise. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { EXPORT_TOKEN_HEADER, type VirtualMachineExport } from '#shared/kube/export.ts';
import { asHayloftError } from '#shared/contract/hayloft-error.ts';
import type { RawRoute } from '../api/definition.ts';
import { ApiError } from '../api/errors.ts';
import type { EngineContext } from '../context.ts';
import { secrets } from '../core/secret.ts';
import type { DiskParts } from '../disks/parts.ts';
import { virtualMachineExports } from './definition.ts';
import type { Downloads } from './downloads.ts';
import { expanded } from './expanded.ts';
import { exportPrefix, parseExportPath, volumeUrl, type ExportTarget } from './links.ts';
import { headerSecret, manifestsOf } from './manifests.ts';
import { offerOf, type Offer } from './source.ts';
import { hasState, packState, stateVolume } from './state/machine-state.ts';

export interface ExportParts extends DiskParts {
  context: EngineContext;
  /** What other computers reach the engine by. */
  reach: () => { url: string; ca: string };
  downloads: Downloads;
  /** Where the state of machines' firmware and TPMs is kept. */
  keptDir: string;
}

/**
 * @param version of the export's API, which is part of the address
 * @param parts undefined until the module has started
 */
export function exportRoute(version: string, parts: () => ExportParts | undefined): RawRoute {
  return {
    path: exportPrefix(version),
    isPrefix: true,
    methods: ['GET', 'HEAD'],
    handle: async (request, response) => {
      try {
        const ready = parts();
        if (!ready) throw new ApiError(503, 'ServiceUnavailable', 'The engine is still starting.');
        await answer(ready, request, response);
      } catch (error) {
        // The client is gone, or gets to see that it was cut off.
        if (response.headersSent || response.destroyed) response.destroy();
        else refuse(response, error);
      }
    },
  };
}

async function answer(parts: ExportParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '', 'http://engine');
  const target = parseExportPath(decodeURIComponent(url.pathname));
  const found = target && parts.resources.get(virtualMachineExports, target.namespace, target.name);
  const token = found && tokenOf(parts, found);
  const given = [url.searchParams.get(EXPORT_TOKEN_HEADER), request.headers[EXPORT_TOKEN_HEADER]];
  // Without a token nobody learns what there is.
  if (!token || !given.some((text) => typeof text === 'string' && same(text, token))) {
    throw new ApiError(401, 'Unauthorized', `The export’s token is missing or wrong: send it in the header ${EXPORT_TOKEN_HEADER}.`);
  }
  const offer = offerOf(parts, found);
  if (offer.waiting) throw new ApiError(503, 'ServiceUnavailable', offer.waiting.message);
  if (target.kind === 'manifest') {
    await sendManifests(parts, { found, target, offer, token }, request, response);
    return;
  }
  if (target.format === 'tar.gz') {
    sendState(parts, found, offer, target.volume, request, response);
    return;
  }
  const volume = offer.volumes.find(({ name }) => name === target.volume);
  if (!volume) throw new ApiError(404, 'NotFound', `The export has no volume "${target.volume}".`);
  const { signal, over } = parts.downloads.begin(found.metadata.uid ?? '', volume.path);
  try {
    const { serveDownload } = await import('./download/serve.ts');
    await serveDownload({ request, response, dataDir: parts.context.dataDir, volume, format: target.format, signal });
  } finally {
    over();
  }
}

function tokenOf({ resources }: ExportParts, { metadata, status }: VirtualMachineExport): string | undefined {
  const encoded = resources.get(secrets, metadata.namespace, status?.tokenSecretRef ?? '')?.data?.['token'];
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString();
}

function same(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

interface ManifestRequest {
  found: VirtualMachineExport;
  target: ExportTarget & { kind: 'manifest' };
  offer: Offer;
  token: string;
}

async function sendManifests(parts: ExportParts, { found, target, offer, token }: ManifestRequest, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { context, reach } = parts;
  const { machine, volumes } = offer;
  if (!machine) throw new ApiError(404, 'NotFound', 'A claim’s export has no machine in it.');
  const exportName = found.metadata.name ?? '';
  const endpoint = target.link === 'internal' ? context.endpoint : reach().url;
  const objects =
    target.manifest === 'secret'
      ? [headerSecret(exportName, token)]
      : manifestsOf({
          exportName,
          ca: reach().ca,
          machine: expanded(parts.resources, machine, found.metadata.namespace),
          volumes,
          urlOf: (volume) => volumeUrl(endpoint, found, volume, 'gzip'),
        });
  const wantsYaml = request.headers.accept === 'application/yaml';
  const text = wantsYaml ? await inYaml(objects) : `${JSON.stringify({ kind: 'List', apiVersion: 'v1', metadata: {}, items: objects }, undefined, 4)}\n`;
  response.writeHead(200, { 'content-type': wantsYaml ? 'application/yaml' : 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(request.method === 'HEAD' ? undefined : text);
}

function sendState({ resources, keptDir }: ExportParts, { metadata }: VirtualMachineExport, { machine }: Offer, volume: string, request: IncomingMessage, response: ServerResponse): void {
  const whole = machine && expanded(resources, machine, metadata.namespace);
  if (!whole || volume !== stateVolume(whole.metadata.name ?? '') || !hasState(keptDir, whole)) {
    throw new ApiError(404, 'NotFound', `The export has no volume "${volume}" that holds files.`);
  }
  const archive = packState(keptDir, whole);
  response.writeHead(200, { 'content-type': 'application/x-gzip', 'content-length': archive.length });
  response.end(request.method === 'HEAD' ? undefined : archive);
}

async function inYaml(objects: readonly object[]): Promise<string> {
  const { stringify } = await import('yaml');
  return objects.map((object) => `${stringify(object)}---\n`).join('');
}

function refuse(response: ServerResponse, error: unknown): void {
  const refusal = error instanceof ApiError ? error : new ApiError(500, 'InternalError', asHayloftError(error).message);
  const body = `${JSON.stringify(refusal.toStatus())}\n`;
  response.writeHead(refusal.code, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

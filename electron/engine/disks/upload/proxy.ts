/**
 * The address that uploads go to, with CDI's paths and codes. The synchronous path answers when the disk is ready,
 * the asynchronous one when all bytes are stored and checked as far as that takes no time.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { DataVolume } from '#shared/kube/cdi.ts';
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import type { RawRoute, ResourceDefinition } from '../../api/definition.ts';
import { UPLOAD_TARGET_ANNOTATION } from '../controllers/new-claim.ts';
import { requestedBytes } from '../definitions/claim-fields.ts';
import type { DiskParts } from '../parts.ts';
import { place, takesTime } from '../populate/place.ts';
import { receiveImage } from '../populate/receive.ts';
import { transferOf } from '../populate/transfer-note.ts';
import { asRefusal, unavailable } from './refusal.ts';
import { OffsetMismatch, abandon, append, refuseUnlessReady, takesAnyDisk, tellOffset, type Receiving, type ResumeAnswer } from './resume.ts';
import type { UploadTokens } from './token.ts';

export interface ProxyParts extends DiskParts {
  volumes: ResourceDefinition<DataVolume>;
  claims: ResourceDefinition<PersistentVolumeClaim>;
  tokens: UploadTokens;
  receiving: Receiving;
}

/** How long a refused sender may go on sending before its connection is cut; a polite one stops at once. */
const patienceMs = 5000;

/** @param parts undefined until the module has started */
export function uploadRoutes(parts: () => ProxyParts | undefined): RawRoute[] {
  const route = (path: string, async: boolean): RawRoute => ({
    path,
    methods: ['POST', 'HEAD', 'PATCH', 'DELETE'],
    handle: async (request, response) => {
      // By this answer CDI's clients find the asynchronous path; they bring no token.
      if (request.method === 'HEAD' && async && request.headers.authorization === undefined) {
        response.writeHead(200).end();
        return;
      }
      try {
        const ready = parts();
        if (!ready) throw unavailable('The engine is still starting.');
        const { status, headers } = await answer(ready, request, async);
        response.writeHead(status, { ...headers, ...(status === 204 ? {} : { 'content-length': 0 }) }).end();
      } catch (error) {
        refuse(request, response, error);
      }
    },
  });
  return ['v1beta1', 'v1alpha1'].flatMap((version) => [
    route(`/${version}/upload`, false),
    route(`/${version}/upload-async`, true),
  ]);
}

async function answer(parts: ProxyParts, request: IncomingMessage, async: boolean): Promise<ResumeAnswer> {
  const claim = targetOf(parts, request);
  switch (request.method) {
    case 'HEAD':
      return tellOffset(parts, claim, request);
    case 'PATCH':
      return append(parts, claim, request, async);
    case 'DELETE':
      return abandon(parts, claim);
    default:
      await take(parts, claim, request, async);
      return { status: 200, headers: {} };
  }
}

/** CDI's way: the whole file at once. Resolves when the sender may be told that all is well. */
async function take(parts: ProxyParts, claim: PersistentVolumeClaim, request: IncomingMessage, async: boolean): Promise<void> {
  const { files, jobs } = parts;
  refuseUnlessReady(parts, claim);
  // Whatever an earlier upload left is not this one's.
  await transferOf(files, claim).discard();

  const sizeBytes = declaredSize(request);
  const capacityBytes = requestedBytes(claim.spec) ?? 0;
  const isExport = takesAnyDisk(claim);
  const { promise: stored, resolve: tellStored } = Promise.withResolvers<undefined>();
  const done = jobs.start(claim, 'upload', async ({ signal }) => {
    const path = files.partialFor(claim);
    const received = await receiveImage(request, { path, sizeBytes, capacityBytes, signal, isExport });
    if (async && takesTime(received)) tellStored(undefined);
    await place(received, { files, claim, capacityBytes, signal, isExport });
  });
  await Promise.race([stored, done]);
}

function targetOf(parts: ProxyParts, request: IncomingMessage): PersistentVolumeClaim {
  const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined) {
    throw new HayloftError('bad-input', 'An upload needs a token: "Authorization: Bearer TOKEN".', {
      hint: 'Create an UploadTokenRequest for the claim and send the token that it is answered with.',
    });
  }
  const target = parts.tokens.verify(token);
  if (!target) {
    throw new HayloftError('unauthorized', 'The upload token is not valid any more.', {
      hint: 'Tokens last five minutes. Create another UploadTokenRequest and try again.',
    });
  }
  const claim = parts.resources.get(parts.claims, target.namespace, target.claimName);
  if (!claim || claim.metadata.deletionTimestamp !== undefined) {
    throw new HayloftError('not-found', `PVC ${target.claimName} does not exist.`);
  }
  if (claim.metadata.annotations?.[UPLOAD_TARGET_ANNOTATION] === undefined) {
    throw new HayloftError('not-found', `PVC ${target.claimName} is not an upload target.`, {
      hint: 'Uploads go into claims of DataVolumes whose source is upload.',
    });
  }
  return claim;
}

function declaredSize(request: IncomingMessage): number | undefined {
  const text = request.headers['content-length'];
  return text === undefined ? undefined : Number(text);
}

/**
 * Says no while the sender may still be sending. The whole answer goes out at once; it is ended, which may cut the
 * connection, only when the sender has stopped or its time is up: so the sender gets to read it.
 */
function refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  const refusal = asRefusal(error);
  const body = JSON.stringify(refusal.toStatus());
  const more = error instanceof OffsetMismatch ? error.headers : {};
  response.writeHead(refusal.code, { ...more, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  if (request.complete || request.destroyed) {
    response.end(body);
    return;
  }
  response.write(body);
  const cut = setTimeout(() => request.destroy(), patienceMs);
  const stopped = (): void => {
    clearTimeout(cut);
    response.end();
  };
  request.once('end', stopped).once('close', stopped).on('error', () => undefined).resume();
}

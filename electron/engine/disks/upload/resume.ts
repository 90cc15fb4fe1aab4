/**
 * Uploads that go on after a break: ours, beside CDI's, and found by asking. The headers are those of the IETF's
 * draft-ietf-httpbis-resumable-upload: HEAD tells the offset, PATCH appends, DELETE gives up. What an offset counts is
 * certain to be on the disk, also after the engine was killed or the power failed.
 */
import type { IncomingMessage } from 'node:http';
import { createHash, type Hash } from 'node:crypto';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import { UPLOAD_CONTENT_ANNOTATION } from '#shared/kube/labels.ts';
import { requestedBytes } from '../definitions/claim-fields.ts';
import { copyImage, type SourceFile } from '../populate/copy-image.ts';
import { place, takesTime } from '../populate/place.ts';
import { receiveImage, type Received, type ReceiveOptions } from '../populate/receive.ts';
import { transferOf, type Transfer, type TransferNote } from '../populate/transfer-note.ts';
import type { ProxyParts } from './proxy.ts';
import { unavailable } from './refusal.ts';
import { isLocal } from '../../api/http/local.ts';
import { SOURCE_HEADER, readHeaders, refusedHeader, type Asked } from './resume-headers.ts';

export interface ResumeAnswer {
  status: number;
  headers: Record<string, string>;
}

/** Uploads under way, by the claim's id. */
export type Receiving = Map<string, UnderWay>;

interface UnderWay {
  /** While bytes are still coming: the same sender's next request ends the one before. */
  cut(): Promise<void>;
  /** Once all have come: settles when the disk is made of them, or not. */
  placing?: Promise<void>;
}

/** The sender goes on elsewhere than where the file ends; the answer tells where that is. */
export class OffsetMismatch extends HayloftError {
  readonly headers: Record<string, string>;

  constructor(offset: number, storedBytes: number) {
    super('conflict', `The upload goes on at byte ${storedBytes}, not at ${offset}.`, {
      hint: 'Ask with HEAD where it goes on; DELETE it to begin anew.',
    });
    this.headers = { 'upload-offset': String(storedBytes) };
  }
}

/** @throws ApiError or HayloftError when the claim takes no upload now */
export function refuseUnlessReady({ files, jobs, resources, volumes }: ProxyParts, claim: PersistentVolumeClaim): void {
  const { namespace, name = '', uid = '' } = claim.metadata;
  if (jobs.get(uid)) throw unavailable(`An upload into "${name}" is under way.`);
  if (files.find(claim)) throw new HayloftError('conflict', `PVC ${name} already finished uploading.`);
  if (resources.get(volumes, namespace, name)?.status?.phase !== 'UploadReady') {
    throw unavailable(`PVC ${name} is not ready for an upload yet.`);
  }
}

/** Whether the sender says that it is a disk whatever is on it, as a restored backup is. See {@link asExported}. */
export const takesAnyDisk = ({ metadata }: PersistentVolumeClaim): boolean => metadata.annotations?.[UPLOAD_CONTENT_ANNOTATION] === 'disk';

/**
 * HEAD. A connection that the sender has lost and we have not is ended by it, unless it asks after its copy. Complete is
 * what the disk has: while it is made of the bytes, the sender that lost the answer gets it by an empty PATCH at their end.
 */
export async function tellOffset(parts: ProxyParts, claim: PersistentVolumeClaim, request: IncomingMessage): Promise<ResumeAnswer> {
  const uid = claim.metadata.uid ?? '';
  const copying = parts.receiving.has(uid) && request.headers[SOURCE_HEADER] !== undefined;
  if (!copying) await parts.receiving.get(uid)?.cut();
  const note = transferOf(parts.files, claim).read();
  const complete = parts.files.find(claim) !== undefined;
  if (!complete && !copying && parts.receiving.get(uid)?.placing === undefined) refuseUnlessReady(parts, claim);
  return {
    status: 204,
    headers: {
      'cache-control': 'no-store',
      'upload-offset': String(note?.storedBytes ?? 0),
      'upload-complete': complete ? '?1' : '?0',
      ...(isLocal(request) ? { 'accept-upload-source': 'file' } : {}),
      ...(note?.sizeBytes === undefined ? {} : { 'upload-length': String(note.sizeBytes) }),
    },
  };
}

/** DELETE: what has come is thrown away. */
export async function abandon(parts: ProxyParts, claim: PersistentVolumeClaim): Promise<ResumeAnswer> {
  await parts.receiving.get(claim.metadata.uid ?? '')?.cut();
  refuseUnlessReady(parts, claim);
  await transferOf(parts.files, claim).discard();
  return { status: 204, headers: {} };
}

/** PATCH: appends; when the last byte has come, the disk is made of it as after any other upload. */
export async function append(parts: ProxyParts, claim: PersistentVolumeClaim, request: IncomingMessage, async: boolean): Promise<ResumeAnswer> {
  const { files, jobs, receiving } = parts;
  const uid = claim.metadata.uid ?? '';
  const asked = readHeaders(request);
  await receiving.get(uid)?.cut();
  const transfer = transferOf(files, claim);
  const known = transfer.read();
  const storedBytes = known?.storedBytes ?? 0;
  const placing = receiving.get(uid)?.placing;
  if (placing !== undefined && asked.complete && asked.offset === storedBytes && asked.length === storedBytes) {
    refuseOther(asked, known);
    if (!async) await placing;
    return { status: 200, headers: { 'upload-complete': '?1' } };
  }
  refuseUnlessReady(parts, claim);
  refuseOther(asked, known);
  if (asked.offset !== storedBytes) throw new OffsetMismatch(asked.offset, storedBytes);
  const sizeBytes = asked.length ?? known?.sizeBytes;
  if (sizeBytes === undefined && !asked.complete) throw refusedHeader('upload-length', 'is needed where the file does not end with this request');
  const digest = asked.digest ?? known?.identity;
  const note: TransferNote = {
    storedBytes,
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    ...(digest === undefined ? {} : { identity: digest }),
  };
  // A file without a note is nobody's.
  if (storedBytes === 0) await transfer.discard();
  const capacityBytes = requestedBytes(claim.spec) ?? 0;
  const isExport = takesAnyDisk(claim);
  const { promise: stored, resolve: tellStored } = Promise.withResolvers<undefined>();
  const { promise: whole, resolve: tellWhole } = Promise.withResolvers<undefined>();
  const state = { isWhole: false };
  // Bytes tell by their end that the sender has left; a copy goes on only while its sender waits for the answer.
  const gone = new AbortController();
  const leave = (): void => gone.abort(new HayloftError('connection-lost', 'The sender is gone.', { retryable: true }));
  if (asked.source) request.socket.once('close', leave);
  const done = jobs.start(claim, 'upload', async ({ signal }) => {
    const hash = digest === undefined ? undefined : createHash('sha256');
    try {
      const received = await receive(asked.source ?? request, {
        path: transfer.path,
        sizeBytes,
        capacityBytes,
        isExport,
        signal: AbortSignal.any([signal, gone.signal]),
        ...(hash === undefined ? {} : { hash }),
        resume: {
          storedBytes,
          onStored: (bytes) => {
            note.storedBytes = bytes;
            transfer.write(note);
          },
        },
      }).finally(() => request.socket.off('close', leave));
      await checkDigest(hash, digest, transfer);
      state.isWhole = true;
      receiving.set(uid, { cut: () => Promise.resolve(), placing: done });
      tellWhole(undefined);
      if (async && takesTime(received)) tellStored(undefined);
      await place(received, { files, claim, capacityBytes, signal, isExport });
      await transfer.discard();
    } catch (error) {
      const isPart = !asked.complete && request.complete && !state.isWhole;
      // What was cut off goes on later; what is no good goes, and so does the note of bytes that are no more.
      if (!isPart && (state.isWhole || !(error instanceof HayloftError && ['connection-lost', 'cancelled'].includes(error.code)))) await transfer.discard();
      if (!isPart) throw error;
    } finally {
      receiving.delete(uid);
    }
  });
  receiving.set(uid, {
    cut: async () => {
      leave();
      request.destroy();
      await Promise.race([whole, done.catch(() => undefined)]);
    },
  });
  await Promise.race([stored, done]);
  return state.isWhole ? { status: 200, headers: { 'upload-complete': '?1' } } : { status: 204, headers: { 'upload-complete': '?0', 'upload-offset': String(note.storedBytes) } };
}

const receive = (source: SourceFile | IncomingMessage, options: ReceiveOptions): Promise<Received> =>
  'modifiedMs' in source ? copyImage(source, options) : receiveImage(source, options);

/** One file is not continued with another. */
function refuseOther(asked: Asked, known: TransferNote | undefined): void {
  const differs =
    (asked.length !== undefined && known?.sizeBytes !== undefined && asked.length !== known.sizeBytes) ||
    (asked.digest !== undefined && known?.identity !== undefined && asked.digest !== known.identity);
  if (!differs) return;
  throw new HayloftError('bad-input', 'This is another file than the one whose upload was begun: its length or its digest differs.', {
    hint: 'Send the rest of the first file, or DELETE the upload and begin anew.',
  });
}

async function checkDigest(hash: Hash | undefined, wanted: string | undefined, transfer: Transfer): Promise<void> {
  const found = hash === undefined ? undefined : `sha-256=:${hash.digest('base64')}:`;
  if (found === wanted) return;
  await transfer.discard();
  throw new HayloftError('truncated', 'The file has another digest than was said: it changed, or was damaged on the way.', {
    hint: 'Upload it again.',
    retryable: true,
  });
}

/** Sends files to the upload proxy, for tests. */
import { createReadStream, statSync } from 'node:fs';
import { request as httpRequest, type ClientRequest } from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Status } from '#shared/kube/object.ts';
import type { DisksRig } from '../disks-rig.ts';

export interface UploadAnswer {
  status: number;
  message: string | undefined;
  /** The HayloftError's code and hint. */
  code: string | undefined;
  hint: string | undefined;
}

export interface PostOptions {
  path?: string;
  authorization?: string;
  /** What Content-Length says; null: chunked. */
  sizeBytes?: number | null;
}

/** Begins an upload; the body is the caller's to write. */
export async function beginPost(rig: DisksRig, claimName: string, options: PostOptions = {}): Promise<{ request: ClientRequest; answer: Promise<UploadAnswer> }> {
  const authorization = options.authorization ?? `Bearer ${await rig.token(claimName)}`;
  const size = options.sizeBytes ?? undefined;
  const request = httpRequest(`${rig.address}${options.path ?? '/v1beta1/upload'}`, {
    method: 'POST',
    agent: false,
    headers: { authorization, ...(size === undefined ? {} : { 'content-length': size }) },
  });
  const answer = new Promise<UploadAnswer>((resolve, reject) => {
    request.on('error', reject).on('response', (response) => {
      text(response).then((body) => {
        const told = body === '' ? undefined : (JSON.parse(body) as Status);
        const cause = told?.details?.causes?.[0];
        resolve({ status: response.statusCode ?? 0, message: told?.message, code: cause?.reason, hint: cause?.message });
      }, reject);
    });
  });
  return { request, answer };
}

/** Uploads a file, or bytes, whole. */
export async function postFile(rig: DisksRig, claimName: string, content: string | Uint8Array, options: PostOptions = {}): Promise<UploadAnswer> {
  const sizeBytes = options.sizeBytes === undefined ? (typeof content === 'string' ? statSync(content).size : content.length) : options.sizeBytes;
  const { request, answer } = await beginPost(rig, claimName, { ...options, sizeBytes });
  const source = typeof content === 'string' ? createReadStream(content) : Readable.from([content]);
  source.pipe(request);
  try {
    return await answer;
  } finally {
    // A refused sender stops by itself.
    source.destroy();
    request.destroy();
  }
}

/** Images from web servers. */
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import type { DataVolume } from '#shared/kube/cdi.ts';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import { place, type Placement } from './place.ts';
import { receiveImage } from './receive.ts';

type HttpSource = NonNullable<NonNullable<DataVolume['spec']['source']>['http']>;

/** @param onProgress a share between 0 and 1; not called when the server does not say how long the file is */
export async function importHttp(source: HttpSource, to: Placement, onProgress: (share: number) => void): Promise<void> {
  const response = await request(source, to.signal);
  const body = response.body;
  if (!response.ok || body === null) {
    await body?.cancel();
    throw new HayloftError('not-found', `The server answered ${response.status} ${response.statusText} for ${source.url}.`, {
      hint: 'Open the address in a browser: it must lead to the image itself.',
    });
  }
  const told = response.headers.get('content-length');
  const sizeBytes = told === null ? undefined : Number(told);
  const [algorithm = '', digest = ''] = source.checksum?.split(':') ?? [];
  const hash = source.checksum === undefined ? undefined : createHash(algorithm);
  const stream = Readable.fromWeb(body as ReadableStream);
  try {
    const received = await receiveImage(stream, {
      path: to.files.partialFor(to.claim),
      sizeBytes,
      capacityBytes: to.capacityBytes,
      signal: to.signal,
      ...(hash === undefined ? {} : { hash }),
      onProgress: (bytes) => {
        if (sizeBytes !== undefined && sizeBytes > 0) onProgress(bytes / sizeBytes);
      },
    });
    const found = hash?.digest('hex');
    await (found === undefined || found === digest.toLowerCase()
      ? place(received, to)
      : refuseChecksum(received.path, algorithm, digest, found));
  } finally {
    stream.destroy();
  }
}

async function refuseChecksum(path: string, algorithm: string, wanted: string, found: string): Promise<never> {
  await rm(path, { force: true });
  throw new HayloftError('not-an-image', `The ${algorithm} checksum of the download is ${found} and should be ${wanted}.`, {
    hint: 'The file on the server has changed, or was damaged on the way. Compare the checksum with the publisher’s.',
  });
}

async function request(source: HttpSource, signal: AbortSignal): Promise<Response> {
  const headers = new Headers({ 'accept-encoding': 'identity' });
  for (const header of source.extraHeaders ?? []) {
    const colon = header.indexOf(':');
    headers.set(header.slice(0, colon), header.slice(colon + 1).trim());
  }
  try {
    return await fetch(source.url, { headers, signal, redirect: 'follow' });
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const reason = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new HayloftError('unreachable', `The server of ${source.url} could not be reached: ${reason}.`, {
      hint: 'Check the address and this computer’s connection; it is tried again by itself.',
      retryable: true,
      cause: error,
    });
  }
}

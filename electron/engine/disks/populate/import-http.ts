/** Images from web servers. What was cut off goes on from its last byte, where the server can and the file is the same. */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import { EXPORT_TOKEN_HEADER } from '#shared/kube/export.ts';
import { get, type HttpTarget } from './http-source.ts';
import { place, type Placement } from './place.ts';
import { isCutOff, receiveImage } from './receive.ts';
import { transferOf, type Transfer, type TransferNote } from './transfer-note.ts';

/**
 * @param checksum `ALGORITHM:HEX` of the file as the server has it, packed or not
 * @param onProgress a share between 0 and 1; not called when the server does not say how long the file is
 */
export async function importHttp(target: HttpTarget, checksum: string | undefined, to: Placement, onProgress: (share: number) => void): Promise<void> {
  const transfer = transferOf(to.files, to.claim);
  try {
    await transferImage(target, checksum, to, transfer, onProgress);
    await transfer.discard();
  } catch (error) {
    const passes = isCutOff(error, to.signal) || (error instanceof HayloftError && error.code === 'unreachable');
    if (!passes) await transfer.discard();
    throw error;
  }
}

async function transferImage(
  target: HttpTarget,
  checksum: string | undefined,
  to: Placement,
  transfer: Transfer,
  onProgress: (share: number) => void,
): Promise<void> {
  const { response, storedBytes } = await open(target, transfer.read(), to.signal);
  if (storedBytes === 0) await transfer.discard();
  const told = response.headers['content-length'];
  const sizeBytes = told === undefined ? undefined : storedBytes + Number(told);
  const note: TransferNote = { storedBytes, ...(sizeBytes === undefined ? {} : { sizeBytes }) };
  const identity = identityOf(target, response);
  const [algorithm = '', digest = ''] = checksum?.split(':') ?? [];
  const hash = checksum === undefined ? undefined : createHash(algorithm);
  try {
    // Only an export is asked for with its token.
    const isExport = EXPORT_TOKEN_HEADER in { ...target.headers, ...target.secretHeaders };
    const received = await receiveImage(response, {
      isExport,
      path: transfer.path,
      sizeBytes,
      capacityBytes: to.capacityBytes,
      signal: to.signal,
      ...(hash === undefined ? {} : { hash }),
      onProgress: (bytes) => {
        if (sizeBytes !== undefined && sizeBytes > 0) onProgress(bytes / sizeBytes);
      },
      resume: {
        storedBytes,
        onStored: (bytes) => {
          // A file that cannot be known again cannot be gone on with.
          if (identity !== undefined) transfer.write({ ...note, storedBytes: bytes, identity });
        },
      },
    });
    const found = hash?.digest('hex');
    if (found !== undefined && found !== digest.toLowerCase()) throw otherChecksum(algorithm, digest, found);
    await place(received, { ...to, isExport });
  } catch (error) {
    if (identity === undefined) await transfer.discard();
    throw error;
  } finally {
    response.destroy();
  }
}

/** Asks for what is missing, or for all of it where the server has another file by now, or gives no parts. */
async function open(target: HttpTarget, known: TransferNote | undefined, signal: AbortSignal): Promise<{ response: IncomingMessage; storedBytes: number }> {
  const [url, validator] = known?.identity?.split('\n') ?? [];
  const goesOn = known !== undefined && url === target.url && validator !== undefined && known.storedBytes > 0;
  const response = await get(target, goesOn ? { range: `bytes=${known.storedBytes}-`, 'if-range': validator } : {}, signal);
  const status = response.statusCode ?? 0;
  if (goesOn && status === 206 && response.headers['content-range']?.startsWith(`bytes ${known.storedBytes}-`) === true) {
    return { response, storedBytes: known.storedBytes };
  }
  if (status === 200) return { response, storedBytes: 0 };
  response.destroy();
  if (goesOn && status === 416) return open(target, undefined, signal);
  const message = `The server answered ${status} ${response.statusMessage ?? ''} for ${target.url}.`;
  if (status >= 500 || status === 408 || status === 429) {
    throw new HayloftError('unreachable', message, { hint: 'It is tried again by itself.', retryable: true });
  }
  throw new HayloftError('not-found', message, { hint: 'Open the address in a browser: it must lead to the image itself.' });
}

/** By a strong ETag, or else by its last change, a file is known again (RFC 9110, If-Range). */
function identityOf(target: HttpTarget, { headers }: IncomingMessage): string | undefined {
  const etag = headers.etag?.startsWith('"') === true ? headers.etag : undefined;
  const validator = etag ?? headers['last-modified'];
  return validator === undefined ? undefined : `${target.url}\n${validator}`;
}

function otherChecksum(algorithm: string, wanted: string, found: string): HayloftError {
  return new HayloftError('not-an-image', `The ${algorithm} checksum of the download is ${found} and should be ${wanted}.`, {
    hint: 'The file on the server has changed, or was damaged on the way. Compare the checksum with the publisher’s.',
  });
}

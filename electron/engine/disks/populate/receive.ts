/** Takes an image in as it arrives, and refuses it as soon as its first bytes show that it will not do. */
import type { Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import { sizeInWords } from '#shared/images/bytes.ts';
import type { ImageFinding } from '#shared/images/finding.ts';
import { HEAD_BYTES, recognize } from '#shared/images/recognize.ts';
import { asSpaceError, needSpace } from '../files/space.ts';
import { createFileWriter } from './file-writer.ts';

export interface ReceiveOptions {
  /** Where it goes; must not be there yet (but see `stored`), and is removed again when it fails. */
  path: string;
  /** How long the sender says it is; undefined where it does not say. */
  sizeBytes: number | undefined;
  /** The disk that was asked for: a larger image is refused. */
  capacityBytes: number;
  signal: AbortSignal;
  /** See {@link asExported}. */
  isExport?: boolean;
  onProgress?: (bytes: number) => void;
  /** Given every byte. */
  hash?: Hash;
  /** For a transfer that may be cut off and go on later. */
  resume?: {
    /** How many of its first bytes an earlier transfer has stored; the source begins after them. */
    storedBytes: number;
    /** Told how much is certain to be on the disk: what has come is kept when the source breaks off. */
    onStored(bytes: number): void;
  };
}

export interface Received {
  path: string;
  bytes: number;
  finding: ImageFinding;
}

/**
 * Resolves when all of it is on the disk. Rejects with a HayloftError (`not-an-image`, `unsupported`, `truncated`,
 * `too-large`, `no-space`, `connection-lost`) or with the signal's reason.
 */
export async function receiveImage(source: Readable, options: ReceiveOptions): Promise<Received> {
  const folder = dirname(options.path);
  await needSpace(folder, (options.sizeBytes ?? 0) - (options.resume?.storedBytes ?? 0));
  try {
    return await pour(source, options);
  } catch (error) {
    const told = await asSpaceError(error, options.path);
    if (options.resume === undefined || !isCutOff(error, options.signal)) await rm(options.path, { force: true });
    throw told;
  }
}

async function pour(source: Readable, options: ReceiveOptions): Promise<Received> {
  const { path, sizeBytes, capacityBytes, signal, onProgress, hash, resume } = options;
  const from = resume?.storedBytes ?? 0;
  signal.throwIfAborted();
  const { promise: ended, resolve, reject } = Promise.withResolvers<undefined>();
  const stored = await readStored(path, from, hash);
  const onSynced = (reached: number): void => resume?.onStored(reached);
  const writer = await createFileWriter(path, { onDrain: () => source.resume(), onError: reject, onSynced }, from);
  let head: Uint8Array[] | undefined = [stored];
  let headBytes = stored.length;
  let bytes = from;
  let finding: ImageFinding | undefined;

  const look = (size: number | undefined): ImageFinding => {
    const seen = recognize(Buffer.concat(head ?? []), size);
    const found = options.isExport && seen.packing === undefined ? asExported(seen) : seen;
    refuseProblems({ packing: undefined, ...found });
    refuseTooLarge(found, size ?? bytes, capacityBytes);
    return found;
  };
  const onData = (chunk: Uint8Array): void => {
    bytes += chunk.byteLength;
    hash?.update(chunk);
    onProgress?.(bytes);
    try {
      if (headBytes < HEAD_BYTES) {
        head?.push(chunk);
        headBytes += chunk.byteLength;
      }
      if (finding === undefined && headBytes >= HEAD_BYTES) finding = look(sizeBytes);
      if (finding) refuseTooLarge(finding, bytes, capacityBytes);
      if (!writer.write(chunk)) source.pause();
    } catch (error) {
      reject(error);
    }
  };
  const onClose = (): void => reject(connectionLost(bytes, sizeBytes));
  const onError = (error: Error): void => reject(connectionLost(bytes, sizeBytes, error));
  const onAbort = (): void => reject(signal.reason as Error);
  source.on('data', onData).on('end', resolve).on('close', onClose).on('error', onError);
  signal.addEventListener('abort', onAbort);
  // It may have broken off while the file was opened.
  if (source.destroyed) onClose();
  try {
    await ended;
    if (sizeBytes !== undefined && bytes !== sizeBytes) throw connectionLost(bytes, sizeBytes);
    // Now the size is known for certain: what was said before (or was not) is checked against it.
    finding = look(bytes);
    await writer.finish();
    return { path, bytes, finding };
  } catch (error) {
    // What has come is worth keeping; whether that works is told by `onStored`.
    if (resume && isCutOff(error, signal)) await writer.finish().catch(() => undefined);
    else await writer.abandon().catch(() => undefined);
    throw error;
  } finally {
    head = undefined;
    source.off('data', onData).off('end', resolve).off('close', onClose);
    signal.removeEventListener('abort', onAbort);
  }
}

/**
 * What an export of a disk is: that disk, whatever is on it. A blank one, or one with a file system and no partitions,
 * would otherwise not pass for an image, and one that holds an image of another format would be taken for that.
 */
export const asExported = (finding: ImageFinding): ImageFinding => (finding.kind === 'iso' ? finding : { kind: 'disk', format: 'raw', truncated: false });

/** Packed images are judged when they are unpacked. */
export function refuseProblems({ problem, packing }: Pick<ImageFinding, 'problem'> & { packing: ImageFinding['packing'] | undefined }): void {
  if (packing !== undefined) return;
  if (problem) throw new HayloftError(problem.code, problem.message, { hint: problem.hint });
}

/** @param fileBytes the size of the whole file, or what has come of it */
export function refuseTooLarge(finding: ImageFinding, fileBytes: number, capacityBytes: number): void {
  const plain = finding.kind === 'iso' || finding.format === 'raw' || finding.packing !== undefined;
  refuseLargerThan(plain ? fileBytes : (finding.virtualSizeBytes ?? 0), capacityBytes);
}

/** @param imageBytes the disk that a guest would see */
export function refuseLargerThan(imageBytes: number, capacityBytes: number): void {
  if (imageBytes <= Math.ceil(capacityBytes / 512) * 512) return;
  const has = `the image is a disk of ${sizeInWords(imageBytes)}, and ${sizeInWords(capacityBytes)} were asked for`;
  throw new HayloftError('too-large', `The effective image size is larger than the reported available storage: ${has}.`, {
    hint: `Ask for a disk of at least ${imageBytes} bytes.`,
  });
}

/** The connection broke, or the engine stopped: nothing is wrong with what has come so far. */
export const isCutOff = (error: unknown, signal: AbortSignal): boolean =>
  signal.aborted || (error instanceof HayloftError && error.code === 'connection-lost');

/**
 * Reads what is there already: a checksum is of the whole.
 * @returns its beginning, which tells what it is
 */
export async function readStored(path: string, bytes: number, hash: Hash | undefined): Promise<Buffer> {
  if (bytes === 0) return Buffer.alloc(0);
  const head: Buffer[] = [];
  let headBytes = 0;
  const end = (hash === undefined ? Math.min(bytes, HEAD_BYTES) : bytes) - 1;
  for await (const chunk of createReadStream(path, { end, highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
    hash?.update(chunk);
    if (headBytes < HEAD_BYTES) head.push(chunk.subarray(0, HEAD_BYTES - headBytes));
    headBytes += chunk.length;
  }
  return Buffer.concat(head);
}

export function connectionLost(bytes: number, sizeBytes: number | undefined, cause?: Error): HayloftError {
  const whole = sizeBytes === undefined ? '' : ` of ${sizeInWords(sizeBytes)}`;
  return new HayloftError('connection-lost', `The connection ended after ${sizeInWords(bytes)}${whole}.`, {
    hint: 'Check the connection and try again.',
    retryable: true,
    cause,
  });
}

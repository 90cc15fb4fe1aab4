/** Downloads one disk of an export into a file, its checksum made on the way. */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { createGunzip } from 'node:zlib';
import { HayloftError } from '#shared/contract/errors.ts';
import type { Fetch } from './export-door.ts';

const syncEveryBytes = 64 * 2 ** 20;
const zeros = Buffer.alloc(2 ** 20);

export interface Downloaded {
  sizeBytes: number;
  fileBytes: number;
  sha256: string;
}

/** How far an earlier download came. */
export interface Stored {
  bytes: number;
  /** By what the server's disk is known again. */
  identity: string;
}

export interface DownloadOptions {
  to: string;
  signal: AbortSignal;
  /** Told how many bytes of the disk have come. */
  progress: (bytes: number) => void;
}

export interface RawOptions extends DownloadOptions {
  stored: Stored | undefined;
  /** Where the server names no entity tag and the disk cannot change all the same. */
  fixedIdentity: string | undefined;
  /** Told what is certain to be on the disk. */
  onStored: (stored: Stored) => Promise<void>;
}

/** The disk's size in bytes, asked for without its content. */
export async function diskSize(fetch: Fetch, rawUrl: string, signal: AbortSignal): Promise<number> {
  const response = await fetch(rawUrl, { range: 'bytes=0-0' }, signal);
  response.destroy();
  const total = /\/(\d+)$/.exec(response.headers['content-range'] ?? '')?.[1] ?? response.headers['content-length'];
  return Number(total);
}

/** The disk as it is, with holes where it is empty. Goes on from what is stored, where the disk is the same. */
export async function downloadRaw(fetch: Fetch, url: string, options: RawOptions): Promise<Downloaded> {
  const { to, signal, stored, progress } = options;
  const wanted = stored !== undefined && stored.bytes > 0 ? { range: `bytes=${stored.bytes}-`, ...(stored.identity.startsWith('"') ? { 'if-range': stored.identity } : {}) } : {};
  const response = await fetch(url, wanted, signal);
  const from = stored !== undefined && response.statusCode === 206 ? stored.bytes : 0;
  const sizeBytes = from + Number(response.headers['content-length']);
  const identity = response.headers.etag ?? options.fixedIdentity;
  const hash = createHash('sha256');
  if (from > 0) await readStored(to, from, hash);
  const file = await open(to, from > 0 ? 'r+' : 'w', 0o600);
  try {
    // Beyond what is certain there may be anything.
    await file.truncate(from);
    let position = from;
    let synced = from;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      hash.update(chunk);
      if (!isEmpty(chunk)) await writeAll(file, chunk, position);
      position += chunk.length;
      progress(position);
      if (identity === undefined || position - synced < syncEveryBytes) continue;
      await file.truncate(position);
      await file.datasync();
      await options.onStored({ bytes: position, identity });
      synced = position;
    }
    refuseShort(response, position, sizeBytes);
    await file.truncate(position);
    await file.datasync();
    return { sizeBytes, fileBytes: sizeBytes, sha256: hash.digest('hex') };
  } finally {
    response.destroy();
    await file.close();
  }
}

/**
 * The disk packed by gzip. It is unpacked on the way, too: to count the disk's bytes, and because a backup that nobody has
 * ever unpacked is none.
 */
export async function downloadPacked(fetch: Fetch, url: string, sizeBytes: number, { to, signal, progress }: DownloadOptions): Promise<Downloaded> {
  const response = await fetch(url, {}, signal);
  const file = await open(to, 'w', 0o600);
  const unpacking = countUnpacked(progress);
  try {
    const hash = createHash('sha256');
    let position = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      hash.update(chunk);
      await Promise.all([writeAll(file, chunk, position), unpacking.take(chunk)]);
      position += chunk.length;
    }
    const unpacked = response.complete ? await unpacking.finish() : -1;
    if (unpacked !== sizeBytes) refuseShort(response, unpacked, sizeBytes);
    await file.datasync();
    return { sizeBytes, fileBytes: position, sha256: hash.digest('hex') };
  } finally {
    unpacking.stop();
    response.destroy();
    await file.close();
  }
}

function countUnpacked(progress: (bytes: number) => void): { take(chunk: Buffer): Promise<void>; finish(): Promise<number>; stop(): void } {
  const gunzip = createGunzip({ chunkSize: 256 * 1024 });
  let bytes = 0;
  gunzip.on('data', (chunk: Buffer) => progress((bytes += chunk.length)));
  const ended = new Promise<void>((resolve, reject) => gunzip.on('end', resolve).on('error', (cause) => reject(notWhole(cause))));
  ended.catch(() => undefined);
  return {
    take: (chunk) => {
      const taken = new Promise<void>((resolve) => gunzip.write(chunk, () => resolve()));
      return Promise.race([taken, ended]);
    },
    finish: async () => {
      gunzip.end();
      await ended;
      return bytes;
    },
    stop: () => gunzip.destroy(),
  };
}

const notWhole = (cause: Error): HayloftError =>
  new HayloftError('truncated', 'What the cluster sent of the disk cannot be unpacked.', { hint: 'Take the backup again, with the disks stored as they are.', cause });

async function readStored(path: string, bytes: number, hash: Hash): Promise<void> {
  for await (const chunk of createReadStream(path, { end: bytes - 1, highWaterMark: 2 ** 20 }) as AsyncIterable<Buffer>) hash.update(chunk);
}

function isEmpty(chunk: Buffer): boolean {
  return chunk.length <= zeros.length && chunk.equals(zeros.subarray(0, chunk.length));
}

async function writeAll(file: FileHandle, chunk: Buffer, position: number): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await file.write(chunk, done, chunk.length - done, position + done);
    done += bytesWritten;
  }
}

function refuseShort(response: IncomingMessage, bytes: number, sizeBytes: number): void {
  if (response.complete && bytes === sizeBytes) return;
  throw new HayloftError('connection-lost', 'The download was cut off.', { hint: 'Check the connection and try again.', retryable: true });
}

/** Where an upload's bytes come from: a file of this computer, or a stream from the renderer. */
import { open, stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { HayloftError } from '#shared/contract/errors.ts';
import type { ByteStream } from '#shared/channel/types.ts';
import type { ImageAbout } from '#shared/images/about/about.ts';
import { fileChanged } from '#shared/images/file-changed.ts';
import { packingOf } from '#shared/images/other-files.ts';
import { TAIL_BYTES } from '#shared/images/packed-size.ts';
import { HEAD_BYTES } from '#shared/images/recognize.ts';
import { identityOf, isSameFile, type FileIdentity } from './file-identity.ts';

/** Bytes that are read at a time: large, for the disk and the socket, and few enough to hold several. */
const chunkBytes = 1024 * 1024;
/** Whether somebody writes to the file is looked for after each of so many bytes: asking takes microseconds. */
const lookEveryBytes = 64 * chunkBytes;

export interface UploadSource {
  sizeBytes: number;
  /** The first bytes, by which it is told what the file is. */
  head: Uint8Array;
  /** The last bytes of a packed file, which tell its size; absent where they cannot be had yet. */
  tail?: Uint8Array;
  /**
   * All bytes, from the first on. To be read once. A chunk stays as it is until the next but one is asked for.
   * @throws HayloftError `truncated` when it is not the file any more that it was
   */
  chunks: () => AsyncIterable<Uint8Array>;
  /** The same from another byte on, as often as need be; absent where the bytes come but once. */
  chunksFrom?: (offset: number) => AsyncIterable<Uint8Array>;
  /** What the sender of bytes that come in order has read of the whole. */
  about?: ImageAbout;
  /** The file, for whoever can read it as well as we. */
  file?: FileIdentity;
}

/** @throws HayloftError when there is no such file, or it is none */
export async function fileSource(path: string): Promise<UploadSource> {
  if (!isAbsolute(path)) throw new HayloftError('bad-input', 'A file is named by its whole path.', { field: 'path' });
  const found = await stat(path).catch((cause: unknown) => {
    throw new HayloftError('not-found', `${path} could not be opened.`, { field: 'path', cause });
  });
  if (!found.isFile()) throw new HayloftError('not-an-image', `${path} is not a file.`, { field: 'path' });
  const file = await open(path);
  try {
    const head = Buffer.alloc(Math.min(HEAD_BYTES, found.size));
    await file.read(head, 0, head.length, 0);
    const tail = packingOf(head) === undefined ? undefined : Buffer.alloc(Math.min(TAIL_BYTES, found.size));
    if (tail) await file.read(tail, 0, tail.length, found.size - tail.length);
    const identity = identityOf(path, found);
    const chunksFrom = (offset: number): AsyncIterable<Uint8Array> => chunksOf(identity, offset);
    return { sizeBytes: found.size, head, ...(tail ? { tail } : {}), chunks: () => chunksFrom(0), chunksFrom, file: identity };
  } finally {
    await file.close();
  }
}

/** Reads into two buffers in turn: making new ones costs more than reading. */
async function* chunksOf(identity: FileIdentity, offset: number): AsyncIterable<Uint8Array> {
  const file = await open(identity.path).catch((cause: unknown) => {
    throw fileChanged(cause);
  });
  try {
    let position = offset;
    let lookAt = offset;
    const buffers: [Buffer, Buffer] = [Buffer.allocUnsafe(chunkBytes), Buffer.allocUnsafe(chunkBytes)];
    for (;;) {
      // What has been sent already must be of the same file.
      if (position >= lookAt) {
        if (!isSameFile(await file.stat(), identity)) throw fileChanged();
        lookAt = position + lookEveryBytes;
      }
      const { bytesRead } = await file.read(buffers[0], 0, chunkBytes, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      yield buffers[0].subarray(0, bytesRead);
      buffers.reverse();
    }
  } finally {
    await file.close();
  }
}

/**
 * Reads as much of the stream as it takes to tell what it is.
 * @param known what the sender has sent ahead: the file's last bytes, in base64, and what it has read of it
 */
export async function streamSource(stream: ByteStream, sizeBytes: number, { tail, about }: { tail?: string | undefined; about?: ImageAbout | undefined }): Promise<UploadSource> {
  const iterator = stream.chunks[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  const wanted = Math.min(HEAD_BYTES, sizeBytes);
  for (let have = 0; have < wanted; ) {
    const next = await iterator.next();
    if (next.done) break;
    first.push(next.value);
    have += next.value.byteLength;
  }
  return {
    sizeBytes,
    head: Buffer.concat(first),
    ...(tail === undefined ? {} : { tail: Buffer.from(tail, 'base64') }),
    ...(about ? { about } : {}),
    chunks: async function* () {
      yield* first.splice(0);
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
    },
  };
}

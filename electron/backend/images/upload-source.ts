/** Where an upload's bytes come from: a file of this computer, or a stream from the renderer. */
import { open, stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { HayloftError } from '#shared/contract/errors.ts';
import type { ByteStream } from '#shared/channel/types.ts';
import { HEAD_BYTES } from '#shared/images/recognize.ts';

/** Bytes that are read at a time: large, for the disk and the socket, and few enough to hold several. */
const chunkBytes = 1024 * 1024;

export interface UploadSource {
  sizeBytes: number;
  /** The first bytes, by which it is told what the file is. */
  head: Uint8Array;
  /** All bytes, from the first on. To be read once. A chunk stays as it is until the next but one is asked for. */
  chunks(): AsyncIterable<Uint8Array>;
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
    return { sizeBytes: found.size, head, chunks: () => chunksOf(path) };
  } finally {
    await file.close();
  }
}

/** Reads into two buffers in turn: making new ones costs more than reading. */
async function* chunksOf(path: string): AsyncIterable<Uint8Array> {
  const file = await open(path);
  try {
    const buffers: [Buffer, Buffer] = [Buffer.allocUnsafe(chunkBytes), Buffer.allocUnsafe(chunkBytes)];
    for (;;) {
      const { bytesRead } = await file.read(buffers[0], 0, chunkBytes);
      if (bytesRead === 0) return;
      yield buffers[0].subarray(0, bytesRead);
      buffers.reverse();
    }
  } finally {
    await file.close();
  }
}

/** Reads as much of the stream as it takes to tell what it is. */
export async function streamSource(stream: ByteStream, sizeBytes: number): Promise<UploadSource> {
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
    chunks: async function* () {
      yield* first.splice(0);
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
    },
  };
}

/** A limit on the bytes that uploads send together in a second. */
import { setTimeout as delay } from 'node:timers/promises';
import type { UploadSource } from './upload-source.ts';

/** Sent at a time where there is a limit: pieces that a slow line carries in a moment, so that its rate is even. */
const pieceBytes = 64 * 1024;

export class RateLimit {
  /** Bytes a second; undefined: as fast as it goes. */
  bytesPerSecond: number | undefined;
  /** When what was let through will have been sent at this rate, on `performance.now`'s clock. */
  #freeAt = 0;

  /** Resolves when so many more bytes may go. */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    if (this.bytesPerSecond === undefined) return;
    const begin = Math.max(performance.now(), this.#freeAt);
    this.#freeAt = begin + (bytes / this.bytesPerSecond) * 1000;
    const wait = begin - performance.now();
    if (wait > 0) await delay(wait, undefined, signal ? { signal } : {});
  }

  async *slowed(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      if (this.bytesPerSecond === undefined) {
        yield chunk;
        continue;
      }
      for (let at = 0; at < chunk.byteLength; at += pieceBytes) {
        const piece = chunk.subarray(at, at + pieceBytes);
        await this.take(piece.byteLength);
        yield piece;
      }
    }
  }

  /** The same source, no faster than the limit is at each moment. */
  on(source: UploadSource): UploadSource {
    const { chunksFrom } = source;
    return {
      ...source,
      chunks: () => this.slowed(source.chunks()),
      ...(chunksFrom ? { chunksFrom: (offset: number) => this.slowed(chunksFrom(offset)) } : {}),
    };
  }
}

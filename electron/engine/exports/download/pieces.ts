/** A stretch of a disk, piece by piece, as it is sent: with its zeros, or packed without them. */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { NbdReader, Piece } from './nbd-reader.ts';

const packed = promisify(gzip);
/** What is read at once: more where there was nothing before. */
const step = 2 ** 20;
const longestStep = 8 * 2 ** 20;
/** As many pieces are packed at the same time, in threads of their own. */
const packers = 4;

/** Reads ahead by one step. */
async function* piecesOf(reader: NbdReader, begin: number, end: number): AsyncGenerator<Piece> {
  let length = step;
  let at = begin;
  const next = (): Promise<Piece[]> | undefined => {
    if (at >= end) return undefined;
    const size = Math.min(length, end - at);
    at += size;
    const pieces = reader.read(at - size, size);
    // It is awaited a moment later, or never, when the client is gone.
    pieces.catch(() => undefined);
    return pieces;
  };
  for (let coming = next(); coming !== undefined; ) {
    const pieces = await coming;
    length = pieces.every(({ data }) => data === undefined) ? Math.min(length * 2, longestStep) : step;
    coming = next();
    yield* pieces;
  }
}

/** All bytes from `begin` up to `end`. */
export async function* rawBytes(reader: NbdReader, begin: number, end: number): AsyncGenerator<Buffer> {
  const zeros = Buffer.alloc(step);
  for await (const { length, data } of piecesOf(reader, begin, end)) {
    if (data) yield data;
    else for (let left = length; left > 0; left -= zeros.length) yield zeros.subarray(0, Math.min(left, zeros.length));
  }
}

/**
 * The same packed by gzip, in members that follow each other, as RFC 1952 allows: so pieces are packed side by side, and
 * a hole costs what its few packed bytes cost.
 */
export async function* gzipBytes(reader: NbdReader, sizeBytes: number): AsyncGenerator<Buffer> {
  const zeros = new ZeroMembers();
  const members: Promise<Buffer>[] = [];
  for await (const { length, data } of piecesOf(reader, 0, sizeBytes)) {
    for (const member of data ? [packed(data, { level: 1 })] : zeros.of(length)) {
      member.catch(() => undefined);
      members.push(member);
      if (members.length < packers) continue;
      const first = members.shift();
      if (first) yield await first;
    }
  }
  for (const member of members) yield await member;
}

/** Packed zeros, made once for each length that comes up again and again. */
class ZeroMembers {
  readonly #known = new Map<number, Promise<Buffer>>();

  of(length: number): Promise<Buffer>[] {
    const lengths: number[] = [];
    let left = length;
    for (const unit of [longestStep, step]) {
      for (; left >= unit; left -= unit) lengths.push(unit);
    }
    if (left > 0) lengths.push(left);
    return lengths.map((size) => {
      const known = this.#known.get(size) ?? packed(Buffer.alloc(size), { level: 9 });
      if (size >= step) this.#known.set(size, known);
      return known;
    });
  }
}

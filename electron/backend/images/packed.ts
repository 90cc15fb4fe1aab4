/** A look into a packed image before it is sent: what is inside, and how large the disk has to be. */
import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { HayloftError } from '#shared/contract/errors.ts';
import type { ImageFinding, Packing } from '#shared/images/finding.ts';
import { unpackedBytes } from '#shared/images/packed-size.ts';
import { HEAD_BYTES, recognize } from '#shared/images/recognize.ts';
import type { UploadSource } from './upload-source.ts';

export interface Inside {
  finding: ImageFinding;
  /** The disk that it needs. */
  diskBytes: number;
  /** The image's first bytes, unpacked. */
  head: Uint8Array;
}

/**
 * @returns what the packed file holds, judged by its first bytes; the engine judges the whole once it is unpacked
 * @throws HayloftError `not-an-image`, `unsupported`, `truncated`
 */
export async function lookInside(source: UploadSource, packing: Packing): Promise<Inside> {
  const head = await unpackedHead(source.head, packing);
  const first = recognize(head, undefined);
  // Packed data may be a little larger than what is in it.
  const least = Math.max(first.expectedSizeBytes ?? 0, Math.floor(source.sizeBytes * 0.99));
  const bytes = unpackedBytes(packing, { head: source.head, tail: source.tail, sizeBytes: source.sizeBytes }, least);
  const finding = recognize(head, bytes);
  const { problem } = finding;
  if (problem) throw new HayloftError(problem.code, `Inside the ${packing} file: ${problem.message}`, { hint: problem.hint });
  const diskBytes = finding.virtualSizeBytes ?? bytes;
  if (diskBytes === undefined) {
    throw new HayloftError('unsupported', `This file is compressed with ${packing}, and does not tell how large the image inside is.`, {
      hint: 'Decompress it first, and use the image inside.',
    });
  }
  return { finding, diskBytes, head };
}

/** As much of the beginning as can be had from the packed file's own. Empty where it is damaged. */
async function unpackedHead(head: Uint8Array, packing: Packing): Promise<Uint8Array> {
  if (packing === 'xz') return xzHead(head);
  const unpacking = packing === 'gzip' ? createGunzip() : createZstdDecompress();
  unpacking.end(head);
  return firstOf(unpacking);
}

/** Node knows no xz; on Linux every system has the program. */
async function xzHead(head: Uint8Array): Promise<Uint8Array> {
  const child = spawn('xz', ['--decompress', '--stdout', '--memlimit-decompress=512MiB'], { stdio: ['pipe', 'pipe', 'ignore'] });
  const failed = new Promise<never>((_resolve, reject) => {
    child.once('error', () =>
      reject(
        new HayloftError('unsupported', 'This file is compressed with xz, and the program for it is not installed on this computer.', {
          hint: 'Install xz (the package xz-utils on Debian and Ubuntu), or decompress the file first.',
        }),
      ),
    );
  });
  failed.catch(() => undefined);
  // It may have enough before it has read all.
  child.stdin.on('error', () => undefined);
  child.stdin.end(head);
  try {
    return await Promise.race([firstOf(child.stdout), failed]);
  } finally {
    child.kill();
  }
}

/** The packed bytes are cut off, so it ends in an error: what came before that counts. */
async function firstOf(output: Readable): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of output as AsyncIterable<Buffer>) {
      parts.push(part);
      bytes += part.length;
      if (bytes >= HEAD_BYTES) break;
    }
  } catch {
    // Told by what is missing.
  }
  return Buffer.concat(parts).subarray(0, HEAD_BYTES);
}

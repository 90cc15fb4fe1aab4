/**
 * Packed images: gzip and zstd by Node's own zlib, xz by the system's xz program, which every Linux has for its own
 * packages. A transfer is stored as it comes, so that it can go on after a break, and is unpacked from there.
 */
import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { Duplex } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import type { ImageFinding, Packing } from '#shared/images/finding.ts';
import { HEAD_BYTES, recognize } from '#shared/images/recognize.ts';
import { findProgram } from '../../qemu/binary.ts';
import { asSpaceError } from '../files/space.ts';
import { asExported, refuseLargerThan, refuseProblems, refuseTooLarge, type Received } from './receive.ts';

const outputBytes = 256 * 1024;
/** What a format's own tables may add to the disk in it. */
const tablesShare = 1 / 16;
const tablesBytes = 64 * 2 ** 20;

export interface UnpackOptions {
  /** Where it goes; removed by the caller when this fails. */
  to: string;
  capacityBytes: number;
  signal: AbortSignal;
  /** See {@link asExported}. */
  isExport?: boolean;
}

/**
 * Unpacks a received file. Zeros are left out of the new one, as holes.
 * @throws HayloftError `truncated` (damaged or cut off), `too-large` as soon as it does not fit, what {@link recognize} refuses
 */
export async function unpack(path: string, packing: Packing, { to, capacityBytes, signal, isExport = false }: UnpackOptions): Promise<Received> {
  const file = await open(to, 'w', 0o600);
  try {
    const writer = sparseWriter(file, capacityBytes, isExport);
    await pipeline(createReadStream(path, { highWaterMark: outputBytes }), decompressor(packing), writer.take, { signal });
    return { path: to, ...(await writer.finish()) };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof HayloftError) throw error;
    const space = await asSpaceError(error, to, path);
    if (space instanceof HayloftError) throw space;
    throw new HayloftError('truncated', `The ${packing} file is incomplete or damaged: ${error instanceof Error ? error.message : String(error)}.`, {
      hint: 'Download or copy it again, and compare its checksum with the publisher’s before you use it.',
      cause: error,
    });
  } finally {
    await file.close();
  }
}

function sparseWriter(file: FileHandle, capacityBytes: number, isExport: boolean): {
  take: (chunks: AsyncIterable<Buffer>) => Promise<void>;
  finish: () => Promise<{ bytes: number; finding: ImageFinding }>;
} {
  const zeros = Buffer.alloc(outputBytes);
  let head = Buffer.alloc(0);
  let finding: ImageFinding | undefined;
  let bytes = 0;
  const look = (size: number | undefined): ImageFinding => {
    const seen = recognize(head, size);
    const found = isExport ? asExported(seen) : seen;
    // A package in a package is not unpacked again.
    refuseProblems({ ...found, packing: undefined });
    refuseTooLarge(found, size ?? bytes, capacityBytes);
    return found;
  };
  return {
    take: async (chunks) => {
      for await (const chunk of chunks) {
        if (head.length < HEAD_BYTES) {
          head = Buffer.concat([head, chunk]).subarray(0, HEAD_BYTES);
          if (head.length === HEAD_BYTES) finding = look(undefined);
        }
        // However long it goes on: no more is written than the disk can hold.
        refuseLargerThan(bytes + chunk.length, capacityBytes * (1 + tablesShare) + tablesBytes);
        if (finding) refuseTooLarge(finding, bytes + chunk.length, capacityBytes);
        if (!(chunk.length <= zeros.length && chunk.equals(zeros.subarray(0, chunk.length)))) {
          await file.write(chunk, 0, chunk.length, bytes);
        }
        bytes += chunk.length;
      }
    },
    finish: async () => {
      const found = look(bytes);
      await file.truncate(bytes);
      await file.datasync();
      return { bytes, finding: found };
    },
  };
}

function decompressor(packing: Packing): Duplex {
  switch (packing) {
    case 'gzip':
      return createGunzip({ chunkSize: outputBytes });
    case 'zstd':
      return createZstdDecompress({ chunkSize: outputBytes });
    case 'xz':
      return xz();
  }
}

function xz(): Duplex {
  const program = findProgram('xz');
  if (program === undefined) {
    throw new HayloftError('unsupported', 'This file is packed with xz, and that program is not installed on this computer.', {
      hint: 'Install it (the package is called xz-utils on Debian and Ubuntu, xz elsewhere), or unpack the file first.',
    });
  }
  // The limit keeps a crafted file from taking all memory; the strongest ordinary packing needs 65 MiB.
  const child = spawn(program, ['--decompress', '--stdout', '--memlimit-decompress=512MiB'], { stdio: 'pipe' });
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (words = (words + text).slice(-1024)));
  const stream = Duplex.from({ writable: child.stdin, readable: withExit(child.stdout) });
  stream.on('close', () => child.kill());
  // It may end before it has read all; the code says why.
  child.stdin.on('error', () => undefined);
  return stream;

  async function* withExit(output: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
    const exited = new Promise<number | null>((resolve, reject) => child.on('close', resolve).on('error', reject));
    yield* output;
    if ((await exited) !== 0) throw new Error(words.trim().replace(/^xz: \(stdin\): /, '') || 'xz ended with a failure');
  }
}

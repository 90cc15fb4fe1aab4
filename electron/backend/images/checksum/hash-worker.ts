/** Reads and hashes on a thread of its own, as hashing where bytes are sent would take its time from the sending. */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { fileChanged } from '#shared/images/file-changed.ts';
import { isSameFile, type FileIdentity } from '../file-identity.ts';

/**
 * What it is asked. `until`: to read the file up to there; `bytes`: to take these; `end`: to come to an end, all of the
 * file included.
 */
export type HashRequest = { until: number } | { bytes: Uint8Array } | { end: true };
/** `taken`: bytes were; `changed`: the file is not the one any more that it was. */
export type HashAnswer = { taken: number } | { sha256: string } | { changed: string };

const pieceBytes = 1024 * 1024;
const file = workerData as FileIdentity | undefined;
const port = parentPort;
const hash = createHash('sha256');
const piece = file ? Buffer.allocUnsafe(pieceBytes) : undefined;
let descriptor: number | undefined;
let position = 0;

// Sending goes before: the sum of a file can follow. Elsewhere than on Linux it would hold for the whole process.
if (file && process.platform === 'linux') setPriority(0, 10);

const answer = (message: HashAnswer): void => port?.postMessage(message);

function readUntil(end: number): void {
  if (!file || !piece) return;
  descriptor ??= openSync(file.path, 'r');
  while (position < end) {
    const bytes = readSync(descriptor, piece, 0, Math.min(pieceBytes, end - position), position);
    if (bytes === 0) return;
    hash.update(piece.subarray(0, bytes));
    position += bytes;
  }
}

function finish(): void {
  if (file) {
    readUntil(file.sizeBytes);
    if (descriptor !== undefined) {
      const same = isSameFile(fstatSync(descriptor), file);
      closeSync(descriptor);
      if (!same || position !== file.sizeBytes) throw fileChanged();
    }
  }
  answer({ sha256: hash.digest('hex') });
  port?.close();
}

port?.on('message', (request: HashRequest) => {
  try {
    if ('until' in request) readUntil(request.until);
    else if ('end' in request) finish();
    else {
      hash.update(request.bytes);
      answer({ taken: request.bytes.byteLength });
    }
  } catch (error) {
    // A file that cannot be read any more is not the one that it was.
    answer({ changed: String(error) });
    port.close();
  }
});

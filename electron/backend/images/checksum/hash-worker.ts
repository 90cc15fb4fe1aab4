/** Reads and hashes on a thread of its own, as hashing where bytes are sent would take its time from the sending. */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { setPriority } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
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
/**
 * Hashed in one go while bytes are sent, and how many times as long it then rests: it keeps up with what a gigabit carries, and
 * takes little from what is faster, which it follows at the end.
 */
const burstBytes = 4 * pieceBytes;
const restFor = 8;
const file = workerData as FileIdentity | undefined;
const port = parentPort;
const hash = createHash('sha256');
const piece = file ? Buffer.allocUnsafe(pieceBytes) : undefined;
let descriptor: number | undefined;
let position = 0;
/** How far it may read by now. */
let until = 0;
/** All is sent: there is nobody to rest for. */
let isLast = false;
let reading = false;

// Sending goes before: the sum of a file can follow. Elsewhere than on Linux it would hold for the whole process.
if (file && process.platform === 'linux') setPriority(0, 10);

const answer = (message: HashAnswer): void => port?.postMessage(message);

async function readOn({ path, sizeBytes }: FileIdentity): Promise<void> {
  if (reading) return;
  reading = true;
  descriptor ??= openSync(path, 'r');
  while (position < Math.min(until, sizeBytes)) {
    const begun = performance.now();
    if (!readBurst(descriptor)) break;
    if (!isLast) await delay((performance.now() - begun) * restFor);
  }
  reading = false;
  if (isLast) finish();
}

/** @returns whether there was anything to read */
function readBurst(from: number): boolean {
  const end = Math.min(until, position + burstBytes);
  while (piece && position < end) {
    const bytes = readSync(from, piece, 0, Math.min(pieceBytes, end - position), position);
    if (bytes === 0) return false;
    hash.update(piece.subarray(0, bytes));
    position += bytes;
  }
  return true;
}

function finish(): void {
  if (file && descriptor !== undefined) {
    const same = isSameFile(fstatSync(descriptor), file);
    closeSync(descriptor);
    if (!same || position !== file.sizeBytes) throw fileChanged();
  }
  answer({ sha256: hash.digest('hex') });
  port?.close();
}

async function take(request: HashRequest): Promise<void> {
  if ('bytes' in request) {
    hash.update(request.bytes);
    answer({ taken: request.bytes.byteLength });
    return;
  }
  isLast ||= 'end' in request;
  until = 'until' in request ? Math.max(until, request.until) : (file?.sizeBytes ?? 0);
  if (file) await readOn(file);
  else if (isLast) finish();
}

port?.on('message', (request: HashRequest) => {
  take(request).catch((error: unknown) => {
    // A file that cannot be read any more is not the one that it was.
    answer({ changed: String(error) });
    port.close();
  });
});

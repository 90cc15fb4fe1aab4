/**
 * Writes a stream of small chunks to a file at the speed of the disk: what comes while one write is under way is
 * gathered for the next, and what is written is synced in the background, so that the last sync is short.
 */
import { close, fdatasync, ftruncate, open, writev } from 'node:fs';
import { promisify } from 'node:util';

/**
 * One write at a time: several at once would only spin on the file's lock in the kernel. Larger ones make larger pages in
 * its cache, which cost more to come by.
 */
const writeAtBytes = 512 * 1024;
/** More than this is not kept waiting. */
const highWaterBytes = 4 * 1024 * 1024;
const syncEveryBytes = 64 * 1024 * 1024;

const openFile = promisify(open);
const closeFile = promisify(close);
const cutFile = promisify(ftruncate);
const syncFile = promisify(fdatasync);

export interface FileWriter {
  /** False: wait for `onDrain` before you write more. */
  write(chunk: Uint8Array): boolean;
  /** Resolves when all is on the disk. Rejects with what went wrong, now or earlier. */
  finish(): Promise<void>;
  /** Resolves when nothing is being written any more; the file is left to be removed. */
  abandon(): Promise<void>;
}

export interface FileWriterEvents {
  onDrain(): void;
  /** Something went wrong: nothing more will be written. */
  onError(error: Error): void;
  /** So many of the file's first bytes are certain to be on the disk now. */
  onSynced?(bytes: number): void;
}

/**
 * Makes the file, which must not be there yet.
 * @param from how many bytes of it are there already: then it is, and what comes after them is dropped
 */
export async function createFileWriter(path: string, events: FileWriterEvents, from = 0): Promise<FileWriter> {
  const file = await openFile(path, from === 0 ? 'wx' : 'r+', 0o600);
  if (from > 0) await cutFile(file, from);
  let gathered: Uint8Array[] = [];
  let gatheredBytes = 0;
  let position = from;
  let unsynced = 0;
  let writing = false;
  let syncing = false;
  let finishing = false;
  let isFull = false;
  let failure: Error | undefined;
  let whenIdle: (() => void) | undefined;

  const settle = (): void => {
    if (!writing && !syncing) whenIdle?.();
  };
  const idle = (): Promise<void> =>
    new Promise((resolve) => {
      whenIdle = resolve;
      settle();
    });
  const fail = (error: Error): void => {
    if (failure) return;
    failure = error;
    events.onError(error);
  };

  const syncInBackground = (): void => {
    if (syncing || finishing || unsynced < syncEveryBytes) return;
    unsynced = 0;
    syncing = true;
    const reached = position;
    fdatasync(file, (error) => {
      syncing = false;
      if (error) fail(error);
      else events.onSynced?.(reached);
      settle();
    });
  };

  const flush = (): void => {
    if (writing || failure || gatheredBytes === 0 || (gatheredBytes < writeAtBytes && !finishing)) return;
    let bytes = 0;
    let count = 0;
    while (count < gathered.length && bytes < writeAtBytes) bytes += gathered[count++]?.byteLength ?? 0;
    const chunks = gathered.splice(0, count);
    gatheredBytes -= bytes;
    writing = true;
    put(chunks, bytes);
  };

  const put = (chunks: readonly Uint8Array[], bytes: number): void => {
    writev(file, chunks, position, (error, written) => {
      position += written;
      unsynced += written;
      // A short write: what is left is written again, and tells why it could not be (a full disk, mostly).
      if (!error && written < bytes && !failure) {
        put(after(chunks, written), bytes - written);
        return;
      }
      writing = false;
      if (error) fail(error);
      syncInBackground();
      flush();
      if (isFull && gatheredBytes < highWaterBytes) {
        isFull = false;
        events.onDrain();
      }
      settle();
    });
  };

  return {
    write: (chunk) => {
      if (failure) return false;
      gathered.push(chunk);
      gatheredBytes += chunk.byteLength;
      flush();
      isFull = gatheredBytes >= highWaterBytes;
      return !isFull;
    },
    finish: async () => {
      finishing = true;
      flush();
      await idle();
      try {
        // An earlier failure was told through `onError` and is told again here.
        if (failure) throw failure;
        await syncFile(file);
        events.onSynced?.(position);
      } finally {
        await closeFile(file);
      }
    },
    abandon: async () => {
      failure ??= new Error('Abandoned.');
      gathered = [];
      await idle();
      await closeFile(file);
    },
  };
}

/** What is left of the chunks after their first bytes. */
function after(chunks: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let skip = bytes;
  return chunks.flatMap((chunk) => {
    const skipped = Math.min(skip, chunk.byteLength);
    skip -= skipped;
    return skipped === chunk.byteLength ? [] : [chunk.subarray(skipped)];
  });
}

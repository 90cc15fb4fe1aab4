/**
 * Writes a stream of small chunks to a file at the speed of the disk: chunks are gathered into large writes, several
 * of which are under way at once, and what is written is synced in the background, so that the last sync is short.
 */
import { close, fdatasync, open, writev, type WriteVResult } from 'node:fs';
import { promisify } from 'node:util';

const gatherBytes = 1024 * 1024;
const writesAtOnce = 4;
const syncEveryBytes = 64 * 1024 * 1024;

const openFile = promisify(open);
const closeFile = promisify(close);
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
}

/** Makes the file, which must not be there yet. */
export async function createFileWriter(path: string, events: FileWriterEvents): Promise<FileWriter> {
  const file = await openFile(path, 'wx', 0o600);
  let gathered: Uint8Array[] = [];
  let gatheredBytes = 0;
  let position = 0;
  let unsynced = 0;
  let underWay = 0;
  let syncing = false;
  let failure: Error | undefined;
  let whenIdle: (() => void) | undefined;

  const settle = (): void => {
    if (underWay === 0 && !syncing) whenIdle?.();
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
    if (syncing || unsynced < syncEveryBytes) return;
    unsynced = 0;
    syncing = true;
    fdatasync(file, (error) => {
      syncing = false;
      if (error) fail(error);
      settle();
    });
  };

  const put = (chunks: readonly Uint8Array[], at: number, bytes: number): void => {
    writev(file, chunks, at, (error, written) => {
      const rest = bytes - written;
      if (!error && rest > 0 && !failure) {
        // A short write: what is left is written again, and tells why it could not be (a full disk, mostly).
        put(after(chunks, written), at + written, rest);
        return;
      }
      underWay -= 1;
      unsynced += written;
      if (error) fail(error);
      else syncInBackground();
      if (underWay === writesAtOnce - 1) events.onDrain();
      settle();
    });
  };

  const flush = (): void => {
    if (gatheredBytes === 0) return;
    const chunks = gathered;
    underWay += 1;
    put(chunks, position, gatheredBytes);
    position += gatheredBytes;
    gathered = [];
    gatheredBytes = 0;
  };

  return {
    write: (chunk) => {
      if (failure) return false;
      gathered.push(chunk);
      gatheredBytes += chunk.byteLength;
      if (gatheredBytes >= gatherBytes) flush();
      return underWay < writesAtOnce;
    },
    finish: async () => {
      if (!failure) flush();
      await idle();
      try {
        // An earlier failure was told through `onError` and is told again here.
        if (failure) throw failure;
        await syncFile(file);
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

function after(chunks: readonly Uint8Array[], bytes: WriteVResult['bytesWritten']): Uint8Array[] {
  let skip = bytes;
  return chunks.flatMap((chunk) => {
    const skipped = Math.min(skip, chunk.byteLength);
    skip -= skipped;
    return skipped === chunk.byteLength ? [] : [chunk.subarray(skipped)];
  });
}

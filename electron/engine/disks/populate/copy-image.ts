/**
 * Takes an image in from a file of this computer. Where the file system can share a file's blocks (Btrfs, XFS, APFS) the
 * copy takes a moment and no space; elsewhere it is read and written here, without a way through another process.
 */
import { constants, type Stats } from 'node:fs';
import { chmod, copyFile, open, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import { fileChanged } from '#shared/images/file-changed.ts';
import { HEAD_BYTES, recognize } from '#shared/images/recognize.ts';
import { sync } from '../files/durable.ts';
import { asSpaceError, needSpace } from '../files/space.ts';
import { asExported, connectionLost, isCutOff, readStored, refuseProblems, refuseTooLarge, type Received, type ReceiveOptions } from './receive.ts';

/** What is read and written at a time. Larger writes make larger pages in the kernel's cache, which cost more to come by. */
const chunkBytes = 512 * 1024;
const syncEveryBytes = 64 * 1024 * 1024;

export interface SourceFile {
  /** Its whole path. */
  path: string;
  /** Milliseconds since 1970 of its last change: another time, another file. */
  modifiedMs: number;
}

/** As `receiveImage`, from a file. Rejects with `not-found` where the engine cannot open it, `truncated` where it changed. */
export async function copyImage(source: SourceFile, options: ReceiveOptions): Promise<Received> {
  const folder = dirname(options.path);
  const from = options.resume?.storedBytes ?? 0;
  const unreadable = (cause: unknown): never => {
    throw new HayloftError('not-found', `The engine could not open ${source.path}.`, { cause });
  };
  // Before it is opened: a pipe would keep us waiting for its writer.
  const before = await stat(source.path).catch(unreadable);
  refuseOther(before, source, options.sizeBytes);
  const input = await open(source.path).catch(unreadable);
  try {
    const found = await input.stat();
    refuseOther(found, source, options.sizeBytes);
    const head = Buffer.alloc(Math.min(HEAD_BYTES, found.size));
    await input.read(head, 0, head.length, 0);
    const seen = recognize(head, found.size);
    const finding = options.isExport && seen.packing === undefined ? asExported(seen) : seen;
    refuseProblems({ packing: undefined, ...finding });
    refuseTooLarge(finding, found.size, options.capacityBytes);
    const shared = from === 0 && options.hash === undefined && (await shareBlocks(source.path, options.path));
    if (shared) options.resume?.onStored(found.size);
    else {
      await needSpace(folder, found.size - from);
      await copyBytes(input, from, found.size, options);
    }
    refuseOther(await stat(source.path), source, found.size);
    return { path: options.path, bytes: found.size, finding };
  } catch (error) {
    const told = await asSpaceError(error, options.path);
    if (options.resume === undefined || !isCutOff(error, options.signal)) await rm(options.path, { force: true });
    throw told;
  } finally {
    await input.close();
  }
}

/** @throws HayloftError `truncated` when it is another file than the sender meant */
function refuseOther(found: Stats, { modifiedMs }: SourceFile, sizeBytes: number | undefined): void {
  if (found.isFile() && found.mtimeMs === modifiedMs && (sizeBytes === undefined || found.size === sizeBytes)) return;
  throw fileChanged();
}

/** @returns whether the file system could: both on the same one, and it has the means */
async function shareBlocks(from: string, to: string): Promise<boolean> {
  try {
    await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE);
  } catch {
    await rm(to, { force: true });
    return false;
  }
  // The copy took the source's permissions along.
  await chmod(to, 0o600);
  await sync(to);
  return true;
}

/** Reads the next chunk while the one before is written; syncs in the background, so that the last sync is short. */
async function copyBytes(input: FileHandle, from: number, size: number, { path, signal, hash, resume, onProgress }: ReceiveOptions): Promise<void> {
  await readStored(path, from, hash);
  const output = await open(path, from === 0 ? 'wx' : 'r+', 0o600);
  let syncing: Promise<void> | undefined;
  let failed: Error | undefined;
  try {
    await output.truncate(from);
    const buffers = [Buffer.allocUnsafe(chunkBytes), Buffer.allocUnsafe(chunkBytes)];
    let position = from;
    let synced = from;
    const syncInBackground = (): void => {
      if (syncing !== undefined || position - synced < syncEveryBytes) return;
      const reached = position;
      syncing = output.datasync().then(
        () => resume?.onStored(reached),
        (error: unknown) => { failed = error as Error; },
      ).finally(() => { syncing = undefined; });
      synced = reached;
    };
    let next = await readInto(input, buffers[0], position);
    for (let turn = 1; next.length > 0; turn++) {
      if (failed !== undefined) throw failed;
      const chunk = next;
      hash?.update(chunk);
      [, next] = await Promise.all([writeAll(output, chunk, position), readInto(input, buffers[turn % 2], position + chunk.length)]);
      position += chunk.length;
      onProgress?.(position);
      syncInBackground();
      if (signal.aborted) break;
    }
    // What has come is worth keeping, also when it is not all.
    await syncing;
    await output.datasync();
    resume?.onStored(position);
    signal.throwIfAborted();
    if (position !== size) throw connectionLost(position, size);
  } finally {
    await syncing;
    await output.close();
  }
}

async function readInto(input: FileHandle, buffer: Buffer | undefined, position: number): Promise<Buffer> {
  if (buffer === undefined) throw new Error('There are two buffers.');
  const { bytesRead } = await input.read(buffer, 0, buffer.length, position);
  return buffer.subarray(0, bytesRead);
}

/** A short write is tried again, and tells then why it could not be whole (a full disk, mostly). */
async function writeAll(output: FileHandle, chunk: Buffer, position: number): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await output.write(chunk, done, chunk.length - done, position + done);
    done += bytesWritten;
  }
}

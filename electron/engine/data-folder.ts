/** The engine's data folder: what lies where, and how it is taken into use by one engine alone. */
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import type { Log } from './context.ts';
import { writePrivateFile } from './private-file.ts';
import { NewerDatabaseError } from './store/database.ts';
import { isBusy, isCorrupt } from './store/sqlite-errors.ts';
import { openStore, type Store } from './store/store.ts';

/** What the engine remembers from run to run, and tells whoever looks at the folder. */
export interface RunRecord {
  /** The engine that works here now, or worked here last. */
  pid: number;
  port: number;
  /** Addresses that it listens on beside loopback. */
  listen: string[];
  /** Whether it is announced there. */
  announce: boolean;
  /** See EngineParts. */
  apiOnly?: boolean;
}

export interface DataFolder {
  path: string;
  /** Holds the lock that keeps other engines out. */
  store: Store;
  lastRun: RunRecord | undefined;
  /** Takes back everything that appeared since, if the folder held no engine's data before. For a start that failed. */
  undo(): void;
}

const databaseName = 'engine.db';
const recordName = 'engine.json';

/**
 * Makes the folder if need be, and opens the store in it.
 * @throws HayloftError `conflict` when another engine works there; `no-space`, `forbidden`, `bad-input`
 */
export function openDataFolder(path: string, log: Log): DataFolder {
  const made: string[] = [];
  let before: string[] | undefined;
  try {
    makeFolder(path, made);
    const names = readdirSync(path);
    if (!names.includes(databaseName)) before = names;
    // SQLite would let everybody read it.
    closeSync(openSync(join(path, databaseName), 'a', 0o600));
    const store = openStore(join(path, databaseName), log);
    return { path, store, lastRun: readRecord(path), undo: () => before && takeBack(path, before, made) };
  } catch (error) {
    // Whoever holds the lock goes on using what is there.
    if (before && !isBusy(error)) takeBack(path, before, made);
    throw explain(path, error);
  }
}

export function writeRecord(path: string, record: RunRecord): void {
  const text = `${JSON.stringify(record)}\n`;
  writePrivateFile(join(path, recordName), text);
}

function readRecord(path: string): RunRecord | undefined {
  try {
    const { pid, port, listen, announce, apiOnly } = JSON.parse(readFileSync(join(path, recordName), 'utf8')) as Partial<RunRecord>;
    return typeof pid === 'number' && typeof port === 'number' ? { pid, port, listen: Array.isArray(listen) ? listen : [], announce: announce !== false, apiOnly: apiOnly === true } : undefined;
  } catch {
    // None yet, or damaged: then a free port is as good as any.
    return undefined;
  }
}

/** One by one: Node's recursive mkdir never returns where the system has a folder that holds none, as /proc does. */
function makeFolder(path: string, made: string[]): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path), made);
  mkdirSync(path, { mode: 0o700 });
  made.push(path);
}

function takeBack(path: string, before: readonly string[], made: readonly string[]): void {
  try {
    for (const name of readdirSync(path)) {
      if (!before.includes(name)) rmSync(join(path, name), { recursive: true, force: true });
    }
    for (const folder of made.toReversed()) rmdirSync(folder);
  } catch {
    // What made the start fail may keep this from working, too; that failure is the one to tell.
  }
}

/** What a failed file operation in the data folder means to a person. */
export function explain(path: string, error: unknown): unknown {
  if (error instanceof HayloftError) return error;
  const text = error instanceof Error ? error.message : String(error);
  if (isBusy(error)) {
    const pid = readRecord(path)?.pid;
    return new HayloftError('conflict', `Another engine${pid === undefined ? '' : ` (process ${pid})`} already works in ${path}.`, {
      hint: 'Use the engine that is running, stop it first, or choose another folder with --data-dir.',
      cause: error,
    });
  }
  if (isCorrupt(error)) {
    return new HayloftError('internal', `The database in ${path} is damaged: ${text}.`, {
      hint: `Restore ${databaseName} from a backup. Without it, move the file away to begin anew; disks in the folder stay.`,
      cause: error,
    });
  }
  if (error instanceof NewerDatabaseError) {
    return new HayloftError('unsupported', `The data in ${path} was written by a newer Hayloft.`, {
      hint: 'Update Hayloft on this computer, or choose another folder with --data-dir.',
      cause: error,
    });
  }
  return explainCode(path, error, text);
}

function explainCode(path: string, error: unknown, text: string): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  // SQLite's codes, in the order of its own list: READONLY 8, FULL 13, CANTOPEN 14, and IOERR 10.
  const sqlite = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT' || sqlite === 13 || (error instanceof Error && 'code' in error && error.code === 507)) {
    return new HayloftError('no-space', `There is no space left on the disk that holds ${path}.`, {
      hint: 'Free some space, or choose a folder on another disk with --data-dir.',
      cause: error,
      retryable: true,
    });
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOENT' || sqlite === 8 || sqlite === 14) {
    return new HayloftError('forbidden', `The engine cannot write to ${path}: ${text}.`, {
      hint: 'Make the folder belong to this user, or choose another with --data-dir.',
      cause: error,
    });
  }
  if (code === 'ENOTDIR' || code === 'EEXIST') {
    return new HayloftError('bad-input', `${path} cannot be the data folder, because a file of that name is in the way.`, {
      hint: 'Choose another folder with --data-dir.',
      field: 'data-dir',
      cause: error,
    });
  }
  return error;
}

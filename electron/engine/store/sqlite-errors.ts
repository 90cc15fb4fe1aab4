/** SQLite's failures as the API tells them. Result codes: sqlite.org/rescode.html */
import { ApiError } from '../api/errors.ts';

interface SqliteError extends Error {
  code: 'ERR_SQLITE_ERROR';
  /** An extended result code; its low byte is the primary one. */
  errcode: number;
}

const primary = { busy: 5, locked: 6, readonly: 8, ioError: 10, corrupt: 11, full: 13, cannotOpen: 14, notDatabase: 26 };

function isSqliteError(error: unknown): error is SqliteError {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number';
}

/** Whether the database is held by another process. */
export const isBusy = (error: unknown): boolean =>
  isSqliteError(error) && ((error.errcode & 0xff) === primary.busy || (error.errcode & 0xff) === primary.locked);

/** Whether the disk under the database has no space left. */
export const isFull = (error: unknown): boolean => isSqliteError(error) && (error.errcode & 0xff) === primary.full;

/** Whether the file is damaged, or no database at all. */
export const isCorrupt = (error: unknown): boolean =>
  isSqliteError(error) && [primary.corrupt, primary.notDatabase].includes(error.errcode & 0xff);

/** @returns an ApiError in place of SQLite's own; anything else as it came */
export function asApiError(error: unknown): unknown {
  if (!isSqliteError(error)) return error;
  switch (error.errcode & 0xff) {
    case primary.full:
      return new ApiError(
        507,
        'InsufficientStorage',
        'The disk that holds the engine’s data is full, so nothing was changed. Free some space and try again.',
      );
    case primary.busy:
    case primary.locked:
      return new ApiError(
        503,
        'ServiceUnavailable',
        'The engine’s database is in use by another program, so nothing was changed. Try again.',
      );
    case primary.corrupt:
    case primary.notDatabase:
      return new ApiError(
        500,
        'InternalError',
        `The engine’s database is damaged (${error.message}). Running machines are not affected. Restore the data folder from a backup.`,
      );
    case primary.readonly:
    case primary.ioError:
    case primary.cannotOpen:
      return new ApiError(
        500,
        'InternalError',
        `The engine’s database cannot be written (${error.message}), so nothing was changed. Check the disk and its permissions.`,
      );
    default:
      return new ApiError(500, 'InternalError', `The engine’s database failed: ${error.message}`);
  }
}

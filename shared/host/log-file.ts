/** The app's log: one line an entry, in the data folder, for this user only. */
import { appendFileSync, chmodSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';

type Fields = Record<string, unknown>;

export interface Log {
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
}

/** Above this the log begins anew, and the last one is kept beside it. */
const MAX_LOG_BYTES = 4 * 1024 * 1024;

/**
 * Opens the log of a data folder. Entries are written at once: the last one before a crash is the one that matters.
 * @param dataDir the data folder; `logs` in it is made (0700), the file is 0600
 * @param name the program that logs, which names the file
 */
export function openLog(dataDir: string, name: string): Log {
  const folder = join(dataDir, 'logs');
  const path = join(folder, `${name}.log`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size !== undefined) {
    chmodSync(path, 0o600);
    if (size > MAX_LOG_BYTES) renameSync(path, `${path}.1`);
  }
  const write = (level: string, message: string, fields: Fields = {}): void => {
    const extra = Object.keys(fields).length === 0 ? '' : ` ${JSON.stringify(fields)}`;
    try {
      appendFileSync(path, `${new Date().toISOString()} ${level} ${message.replaceAll('\n', ' ')}${extra}\n`, { mode: 0o600 });
    } catch {
      // A full disk must not take the app down with its log; what failed is told to the user by its own way.
    }
  };
  return {
    info: (message, fields) => write('info', message, fields),
    warn: (message, fields) => write('warn', message, fields),
    error: (message, fields) => write('error', message, fields),
  };
}

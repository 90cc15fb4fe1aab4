/** The engine's log: a JSON object a line, bounded in size, without secrets. */
import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';
import type { Log } from './context.ts';

const maxBytes = 2 * 2 ** 20;
const secretName = /token|password|secret|authorization|privatekey|userdata|networkdata/i;

export interface FileLog extends Log {
  close(): void;
}

/**
 * @param path the file (0600); at its bound it is renamed to `path.1`, which replaces the one before
 */
export function openLog(path: string, bound = maxBytes): FileLog {
  let file = openSync(path, 'a', 0o600);
  let size = fstatSync(file).size;
  const write = (level: string, message: string, fields: Record<string, unknown> = {}): void => {
    const line = `${JSON.stringify({ time: new Date().toISOString(), level, message, ...(clean(fields, 0) as object) })}\n`;
    try {
      if (size > 0 && size + line.length > bound) {
        closeSync(file);
        renameSync(path, `${path}.1`);
        file = openSync(path, 'a', 0o600);
        size = 0;
      }
      size += writeSync(file, line);
    } catch {
      // A full disk must not end the engine for the log's sake; who asked for something is told by the answer.
    }
  };
  return {
    info: (message, fields) => write('info', message, fields),
    warn: (message, fields) => write('warn', message, fields),
    error: (message, fields) => write('error', message, fields),
    close: () => closeSync(file),
  };
}

/** A value as it may be written: errors told, secrets left out, no deeper than four levels. */
function clean(value: unknown, depth: number): unknown {
  if (value instanceof Error) {
    const { name, message, stack } = value;
    const code = 'code' in value ? { code: value.code } : {};
    const cause = value.cause === undefined || depth > 3 ? {} : { cause: clean(value.cause, depth + 1) };
    return { name, message, ...code, ...cause, stack: stack?.split('\n').slice(1, 6).map((line) => line.trim()) };
  }
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth > 3) return '…';
  if (Array.isArray(value)) return value.slice(0, 50).map((item) => clean(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, secretName.test(name) ? '[left out]' : clean(item, depth + 1)]),
  );
}

/** The engine's log: a JSON object a line, bounded in size, without secrets. */
import type { Log } from './context.ts';
import { openRotatingFile } from './rotating-file.ts';

const maxBytes = 2 * 2 ** 20;
const secretName = /token|password|secret|authorization|privatekey|userdata|networkdata/i;

export interface FileLog extends Log {
  close(): void;
}

/**
 * @param path see rotating-file.ts
 */
export function openLog(path: string, bound = maxBytes): FileLog {
  const file = openRotatingFile(path, bound);
  const write = (level: string, message: string, fields: Record<string, unknown> = {}): void => {
    file.add(`${JSON.stringify({ time: new Date().toISOString(), level, message, ...(clean(fields, 0) as object) })}\n`);
  };
  return {
    info: (message, fields) => write('info', message, fields),
    warn: (message, fields) => write('warn', message, fields),
    error: (message, fields) => write('error', message, fields),
    close: () => file.close(),
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

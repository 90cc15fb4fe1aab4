/** What is kept of a running guest, so that another engine can take it over. */
import { readFileSync, writeFileSync } from 'node:fs';
import { startOf } from './process.ts';

export interface GuestRecord {
  uid: string;
  pid: number;
  /** When the process began, by which it is told from a later one with its number. */
  startedAt?: string;
  hasGraphics: boolean;
  hasSerial: boolean;
}

export function writeRecord(path: string, record: GuestRecord): void {
  writeFileSync(path, JSON.stringify(record), { mode: 0o600 });
}

/** Undefined when there is none, or an engine died while writing it. */
export function readRecord(path: string): GuestRecord | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as GuestRecord;
  } catch {
    return undefined;
  }
}

/** What the record of a guest would be, from the arguments of its process: for one whose engine died before writing it. */
export function recordFrom(uid: string, { pid, argv }: { pid: number; argv: readonly string[] }): GuestRecord {
  const startedAt = startOf(pid);
  return {
    uid,
    pid,
    ...(startedAt === undefined ? {} : { startedAt }),
    hasGraphics: argv.includes('-vnc'),
    hasSerial: argv.includes('-serial'),
  };
}

/** What is kept of a running guest, so that another engine can take it over. */
import { readFileSync, writeFileSync } from 'node:fs';

export interface GuestRecord {
  uid: string;
  pid: number;
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

/**
 * A history's file: a line of JSON that says what follows, then the tables as they are. It is renamed into place, and not
 * forced to the disk: a power cut may cost the last minutes of a chart, and nothing else.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { endianness } from 'node:os';
import { History } from './history.ts';

interface Head {
  version: number;
  series: readonly string[];
  endian: string;
  fine: number;
  coarse: number;
}

const version = 1;
const newline = 0x0a;

/** @param series names of the columns, by which a later version knows whether it can read them */
export function writeHistory(path: string, series: readonly string[], { fine, coarse }: History): void {
  const head: Head = { version, series, endian: endianness(), fine: fine.newest, coarse: coarse.newest };
  const partial = `${path}.partial`;
  const bytes = Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), bytesOf(fine.values), bytesOf(coarse.values)]);
  try {
    writeFileSync(partial, bytes, { mode: 0o600 });
    renameSync(partial, path);
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
}

/** @returns an empty one where there is no file, or one that cannot be used: of other series, or damaged */
export function readHistory(path: string, series: readonly string[]): History {
  const history = new History(series.length);
  try {
    const bytes = readFileSync(path);
    const end = bytes.indexOf(newline);
    const head = JSON.parse(bytes.subarray(0, end).toString()) as Head;
    if (head.version !== version || head.endian !== endianness() || JSON.stringify(head.series) !== JSON.stringify(series)) return history;
    const middle = end + 1 + history.fine.values.byteLength;
    if (bytes.length !== middle + history.coarse.values.byteLength || !Number.isInteger(head.fine) || !Number.isInteger(head.coarse)) return history;
    history.fine.restore(head.fine, bytes.subarray(end + 1, middle));
    history.coarse.restore(head.coarse, bytes.subarray(middle));
    return history;
  } catch {
    return new History(series.length);
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array => new Uint8Array(buffer, byteOffset, byteLength);

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { asSpaceError, DiskFullError, freeBytesNow, NoSpaceError } from './space.ts';

const MiB = 2 ** 20;
const full = Object.assign(new Error('write'), { code: 'ENOSPC' });

function fileOf(bytes: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'hayloft-space-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'written');
  writeFileSync(path, randomBytes(bytes));
  return path;
}

const enough = (error: unknown): number => (error instanceof NoSpaceError ? error.enoughBytes : Number.NaN);

it('asks for more room than a large try had, and gives back', async () => {
  const path = fileOf(32 * MiB);
  const before = freeBytesNow(tmpdir());
  const needed = enough(await asSpaceError(full, path));
  // Others write to this disk as well.
  expect(Math.abs(needed - (before + 96 * MiB))).toBeLessThan(64 * MiB);
});

it('asks for nothing where a try costs nothing', async () => {
  expect(enough(await asSpaceError(full, fileOf(MiB)))).toBe(0);
  expect(enough(await asSpaceError(full, '/nowhere/at/all'))).toBe(0);
});

it('adds what was written beside, to what a tool said', async () => {
  expect(enough(new DiskFullError(0))).toBe(0);
  expect(enough(await asSpaceError(new DiskFullError(0), '/nowhere/at/all', fileOf(32 * MiB)))).toBeGreaterThan(96 * MiB - 1);
});

it('leaves other errors as they are', async () => {
  const other = new Error('no');
  expect(await asSpaceError(other, '/nowhere')).toBe(other);
});

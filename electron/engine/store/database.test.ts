import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openDatabase } from './database.ts';

it('waits for the disk, but for what may come to it soon', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hayloft-database-'));
  const db = openDatabase(join(folder, 'store.db'));
  onTestFinished(() => {
    db.close();
    rmSync(folder, { recursive: true });
  });
  // NORMAL is 1, FULL is 2 (sqlite.org/pragma.html#pragma_synchronous).
  const synchronous = (): number | undefined => db.first<{ synchronous: number }>('PRAGMA synchronous')?.synchronous;
  expect([undefined, true, true, false, true, undefined].map((soon) => db.transaction(synchronous, soon))).toEqual([2, 1, 1, 2, 1, 2]);
});

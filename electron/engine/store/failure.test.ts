import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openDatabase } from './database.ts';
import { isBusy, isCorrupt } from './sqlite-errors.ts';
import { Reserve } from './reserve.ts';
import { openStore, SqliteStore } from './store.ts';
import { quiet, refusal, rigStore, widget, widgets } from './store-rig.ts';

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hayloft-store-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

const thrown = (work: () => unknown): unknown => {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('Nothing was thrown.');
};

describe('the store', () => {
  it('answers 507 on a full disk, keeps what it has and goes on when there is space', () => {
    const folder = temporary();
    const db = openDatabase(join(folder, 'store.db'));
    onTestFinished(() => db.close());
    const store = new SqliteStore(db, new Reserve(join(folder, 'reserve')), quiet, { revisions: 1000, bytes: 1e9 });
    const kept = store.create(widgets, widget('kept'));
    db.run('PRAGMA max_page_count = 1');
    const big = widget('big', { annotations: { a: 'x'.repeat(200_000) } });
    expect(refusal(() => store.create(widgets, big))).toMatchObject({ code: 507, reason: 'InsufficientStorage' });
    expect(store.resourceVersion).toBe(kept.metadata.resourceVersion);
    expect(store.list(widgets, {}).items).toEqual([kept]);
    db.run('PRAGMA max_page_count = 100000');
    const next = store.create(widgets, big);
    expect(Number(next.metadata.resourceVersion)).toBe(Number(kept.metadata.resourceVersion) + 1);
  });

  it('lets objects be deleted on a full disk', () => {
    // The reserve stands for real space here: what it gives free, the database may take.
    class CountedReserve extends Reserve {
      override release(): boolean {
        const released = super.release();
        if (released) db.run('PRAGMA max_page_count = 100000');
        return released;
      }
    }
    const folder = temporary();
    const db = openDatabase(join(folder, 'store.db'));
    onTestFinished(() => db.close());
    const store = new SqliteStore(db, new CountedReserve(join(folder, 'reserve')), quiet, { revisions: 1000, bytes: 1e9 });
    const big = { annotations: { a: 'x'.repeat(100_000) } };
    store.create(widgets, widget('held', { ...big, finalizers: ['test.io/hold'] }));
    expect(readdirSync(folder)).toContain('reserve');
    db.run('PRAGMA max_page_count = 1');
    expect(refusal(() => store.create(widgets, widget('more', big))).code).toBe(507);
    expect(store.delete(widgets, 'default', 'held').removed).toBe(false);
    expect(readdirSync(folder)).not.toContain('reserve');
    store.update(widgets, widget('held'));
    expect(store.get(widgets, 'default', 'held')).toBeUndefined();
    store.create(widgets, widget('next'));
    expect(readdirSync(folder)).toContain('reserve');
  });

  it('keeps a second engine out', () => {
    const { file } = rigStore();
    expect(isBusy(thrown(() => openStore(file, quiet)))).toBe(true);
  });

  it('tells a damaged file', () => {
    const file = join(temporary(), 'store.db');
    writeFileSync(file, 'This is no database. '.repeat(500));
    expect(isCorrupt(thrown(() => openStore(file, quiet)))).toBe(true);
  });

  it('refuses the file of a newer engine and leaves it as it is', () => {
    const file = join(temporary(), 'store.db');
    const db = openDatabase(file);
    db.run('PRAGMA user_version = 99');
    db.close();
    expect(thrown(() => openStore(file, quiet))).toMatchObject({ name: 'NewerDatabaseError' });
  });

  it('has after kill -9 all that it acknowledged, and lets the next engine in', async () => {
    const file = join(temporary(), 'store.db');
    const child = spawn(process.execPath, [join(import.meta.dirname, 'endless-writer.ts'), file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    let last = '';
    for await (const line of createInterface({ input: child.stdout })) {
      last = line;
      if (Number(line.split(' ')[0]) === 50) child.kill('SIGKILL');
    }
    await exited;
    const [index = '', revision = ''] = last.split(' ');
    const store = openStore(file, quiet);
    onTestFinished(() => store.close());
    const parents = store.api.list(widgets, { matches: ({ metadata }) => metadata.ownerReferences === undefined }).items;
    expect(parents.length).toBeGreaterThanOrEqual(Number(index));
    expect(Number(store.api.resourceVersion)).toBeGreaterThanOrEqual(Number(revision));
    // A deletion takes its dependents along in the same transaction: there is never a child without its parent.
    const uids = new Set(parents.map(({ metadata }) => metadata.uid));
    for (const { metadata } of store.api.list(widgets, {}).items) {
      for (const owner of metadata.ownerReferences ?? []) expect(uids.has(owner.uid)).toBe(true);
    }
  });
});

/** The SQLite file: opening it, its tables, prepared statements and transactions. */
import { open } from 'node:fs/promises';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { asApiError } from './sqlite-errors.ts';

/** Raised with the tables' layout; a file with a higher number was written by a newer engine. */
const layout = 1;

const tables = `
  CREATE TABLE objects (
    id INTEGER PRIMARY KEY,
    api_group TEXT NOT NULL,
    plural TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    uid TEXT NOT NULL UNIQUE,
    revision INTEGER NOT NULL,
    value TEXT NOT NULL,
    UNIQUE (api_group, plural, namespace, name)
  );
  CREATE INDEX objects_by_namespace ON objects (namespace);

  CREATE TABLE owners (
    owner_uid TEXT NOT NULL,
    dependent INTEGER NOT NULL REFERENCES objects (id) ON DELETE CASCADE,
    blocks INTEGER NOT NULL,
    PRIMARY KEY (owner_uid, dependent)
  ) WITHOUT ROWID;
  CREATE INDEX owners_by_dependent ON owners (dependent);

  CREATE TABLE changes (
    revision INTEGER PRIMARY KEY,
    api_group TEXT NOT NULL,
    plural TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    value TEXT NOT NULL,
    old TEXT
  );
  CREATE INDEX changes_by_kind ON changes (api_group, plural, revision);

  CREATE TABLE marks (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
`;

export interface Database {
  first<T>(sql: string, ...values: SQLInputValue[]): T | undefined;
  all<T>(sql: string, ...values: SQLInputValue[]): T[];
  /** @returns the row id of what was inserted last */
  run(sql: string, ...values: SQLInputValue[]): number;
  /**
   * Commits when `work` returns, rolls everything back when it throws. Does not nest.
   * @param soon whether the disk may have it a moment later, so that a power failure may take it back
   */
  transaction<T>(work: () => T, soon?: boolean): T;
  /** Resolves when all that is committed by now is on the disk. */
  flush(): Promise<void>;
  /** Brings what was committed from the log into the tables, and cuts the log to nothing. */
  checkpoint(): void;
  close(): void;
}

/** The file was written by a newer engine, whose tables this one does not know. */
export class NewerDatabaseError extends Error {
  override readonly name = 'NewerDatabaseError';
}

/**
 * Opens the database, or makes it.
 *
 * The file is locked for as long as the process lives, and the kernel lets go of the lock however the process ends: it is
 * what keeps a second engine out of a data folder. Exclusive locking also spares the shared-memory file.
 *
 * `synchronous=FULL` costs a flush a change (0.2 ms on an SSD) and buys that a power failure takes back nothing that a
 * client was told. What may be lost with the host's power is written without (see {@link Database.transaction}); revisions
 * that were told of it are left out after a boot, so that none is given out twice.
 *
 * @throws SQLite's own error (see sqlite-errors.ts) or a {@link NewerDatabaseError}
 */
export function openDatabase(file: string): Database {
  const db = new DatabaseSync(file, { timeout: 0 });
  try {
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
    db.exec('PRAGMA foreign_keys = ON; PRAGMA cache_size = -1024;');
    // Short: what a full disk leaves must be enough to bring it into the tables. Usually that is done before, see `tidyMs`.
    db.exec('PRAGMA wal_autocheckpoint = 400; PRAGMA journal_size_limit = 524288;');
    db.exec('BEGIN EXCLUSIVE');
    const found = (db.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;
    if (found > layout) throw new NewerDatabaseError(`The database has layout ${found}; this engine knows ${layout}.`);
    if (found === 0) db.exec(`${tables} PRAGMA user_version = ${layout};`);
    db.exec('COMMIT');
  } catch (error) {
    db.close();
    throw error;
  }
  return wrap(db, file);
}

/** How long after a change its log is brought into the tables, which takes two flushes that nobody should wait for. */
const tidyMs = 250;

function wrap(db: DatabaseSync, file: string): Database {
  let tidying: NodeJS.Timeout | undefined;
  const tidy = (): void => {
    tidying = undefined;
    try {
      db.exec('PRAGMA wal_checkpoint(PASSIVE)');
    } catch {
      // On a full disk it stays in the log, where it is as safe; the next change tries again.
    }
  };
  const statements = new Map<string, StatementSync>();
  const prepared = (sql: string): StatementSync => {
    let statement = statements.get(sql);
    if (!statement) statements.set(sql, (statement = db.prepare(sql)));
    return statement;
  };
  let isSoon = false;
  const told = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw asApiError(error);
    }
  };
  return {
    first: <T>(sql: string, ...values: SQLInputValue[]) => told(() => prepared(sql).get(...values) as T | undefined),
    all: <T>(sql: string, ...values: SQLInputValue[]) => told(() => prepared(sql).all(...values) as T[]),
    run: (sql, ...values) => told(() => Number(prepared(sql).run(...values).lastInsertRowid)),
    transaction: (work, soon = false) =>
      told(() => {
        if (soon !== isSoon) db.exec(`PRAGMA synchronous = ${soon ? 'NORMAL' : 'FULL'}`);
        isSoon = soon;
        prepared('BEGIN IMMEDIATE').run();
        try {
          const result = work();
          prepared('COMMIT').run();
          tidying ??= setTimeout(tidy, tidyMs).unref();
          return result;
        } catch (error) {
          // A full disk makes SQLite roll back by itself.
          if (db.isTransaction) prepared('ROLLBACK').run();
          throw error;
        }
      }),
    flush: async () => {
      try {
        const log = await open(`${file}-wal`);
        await log.datasync().finally(() => log.close());
      } catch (error) {
        // Without a log all is in the tables, and they on the disk.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    },
    checkpoint: () => {
      told(() => {
        db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      });
    },
    close: () => {
      clearTimeout(tidying);
      statements.clear();
      db.close();
    },
  };
}

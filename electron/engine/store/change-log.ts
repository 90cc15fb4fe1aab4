/**
 * The last changes, kept so that watches can be taken up again and lists be continued as of an earlier revision.
 * Bounded in number and size; what was dropped answers 410, and clients list anew.
 */
import { ApiError, gone } from '../api/errors.ts';
import type { Database } from './database.ts';
import { parseRow, type KindKey, type ObjectKey } from './keys.ts';

export interface StoredRow extends ObjectKey {
  revision: number;
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  value: string;
  old: string | undefined;
}

export interface ChangeLogLimits {
  revisions: number;
  bytes: number;
}

/** More than could be written before the disk has it. */
const skippedRevisions = 100_000;

const columns = 'revision, api_group AS "group", plural, namespace, name, type, value, old';

export class ChangeLog {
  readonly #db: Database;
  readonly #limits: ChangeLogLimits;
  #newest: number;
  /** Changes up to this revision are no longer kept. */
  #compacted: number;
  #bytes: number;

  constructor(db: Database, limits: ChangeLogLimits) {
    this.#db = db;
    this.#limits = limits;
    this.#compacted = db.first<{ value: number }>("SELECT value FROM marks WHERE name = 'compacted'")?.value ?? 0;
    const kept = db.first<{ newest: number | null; bytes: number | null }>(
      'SELECT max(revision) AS newest, sum(length(value) + ifnull(length(old), 0)) AS bytes FROM changes',
    );
    this.#newest = kept?.newest ?? this.#compacted;
    this.#bytes = kept?.bytes ?? 0;
  }

  get newest(): number {
    return this.#newest;
  }

  /**
   * Takes note of the host's boot. Revisions that were told of before it, and were not on the disk yet when its power
   * failed, must not be given out again: some are skipped, and who knows older ones lists anew.
   * @param boot changes with each boot
   */
  began(boot: number): void {
    const last = this.#db.first<{ value: number }>("SELECT value FROM marks WHERE name = 'boot'")?.value;
    if (last === boot) return;
    const upTo = last === undefined ? undefined : this.#newest + skippedRevisions;
    this.#db.transaction(() => {
      this.#db.run("INSERT OR REPLACE INTO marks (name, value) VALUES ('boot', ?)", boot);
      if (upTo === undefined) return;
      this.#db.run('DELETE FROM changes');
      this.#db.run("INSERT OR REPLACE INTO marks (name, value) VALUES ('compacted', ?)", upTo);
    });
    if (upTo === undefined) return;
    this.#newest = this.#compacted = upTo;
    this.#bytes = 0;
  }

  /** Writes one change. Part of the caller's transaction. */
  append(change: StoredRow): void {
    this.#db.run(
      'INSERT INTO changes (revision, api_group, plural, namespace, name, type, value, old) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      change.revision,
      change.group,
      change.plural,
      change.namespace,
      change.name,
      change.type,
      // A deletion's object is what was there before, at another revision: kept once.
      isPlainDeletion(change) ? '' : change.value,
      change.old ?? null,
    );
  }

  /** Takes note of what a transaction committed, and drops the oldest half when there is too much. */
  committed(changes: readonly StoredRow[]): void {
    for (const change of changes) {
      this.#newest = change.revision;
      this.#bytes += change.value.length + (change.old?.length ?? 0);
    }
    const tooMany = this.#newest - this.#compacted > this.#limits.revisions;
    if (tooMany || this.#bytes > this.#limits.bytes) this.shorten();
  }

  /** Drops the older half. */
  shorten(): void {
    const upTo = this.#compacted + Math.ceil((this.#newest - this.#compacted) / 2);
    const left = this.#db.transaction(() => {
      this.#db.run('DELETE FROM changes WHERE revision <= ?', upTo);
      this.#db.run("INSERT OR REPLACE INTO marks (name, value) VALUES ('compacted', ?)", upTo);
      return this.#db.first<{ bytes: number | null }>('SELECT sum(length(value) + ifnull(length(old), 0)) AS bytes FROM changes');
    });
    this.#compacted = upTo;
    this.#bytes = left?.bytes ?? 0;
  }

  /**
   * @param text a resourceVersion as a client sent it
   * @returns the revision, of which every later change is still kept
   * @throws ApiError 400 when it is no revision, 410 when it is too old or was never given out
   */
  revisionFrom(text: string): number {
    if (!/^\d{1,15}$/.test(text)) throw new ApiError(400, 'BadRequest', `Invalid resourceVersion: "${text}" is not a number.`);
    const revision = Number(text);
    if (revision < this.#compacted || revision > this.#newest) {
      throw gone(`The resourceVersion ${revision} is no longer kept (${this.#compacted} to ${this.#newest} are). List again.`);
    }
    return revision;
  }

  /** Changes of one kind after a revision, oldest first. `namespace` empty: of all. */
  after(revision: number, of: KindKey, namespace: string): StoredRow[] {
    const rows = this.#db.all<Omit<StoredRow, 'old'> & { old: string | null }>(
      `SELECT ${columns} FROM changes WHERE api_group = ? AND plural = ? AND revision > ? ORDER BY revision`,
      of.group,
      of.plural,
      revision,
    );
    return rows
      .filter((row) => namespace === '' || row.namespace === namespace)
      .map((row) => {
        const old = row.old ?? undefined;
        return { ...row, old, value: row.value === '' && old !== undefined ? atRevision(old, row.revision) : row.value };
      });
  }
}

const isPlainDeletion = ({ type, value, old, revision }: StoredRow): boolean =>
  type === 'DELETED' && old !== undefined && value === atRevision(old, revision);

function atRevision(value: string, revision: number): string {
  const object = parseRow({ value });
  object.metadata.resourceVersion = String(revision);
  return JSON.stringify(object);
}

/** One transaction's view of the tables: finds rows, writes them, and counts up revisions. */
import type { KubeObject } from '#shared/kube/object.ts';
import type { ChangeLog, StoredRow } from './change-log.ts';
import type { Database } from './database.ts';
import { parseRow, type ObjectKey, type Row } from './keys.ts';

const columns = 'id, api_group, plural, namespace, name, uid, revision, value';

export function findRow(db: Database, key: ObjectKey): Row | undefined {
  return db.first<Row>(
    `SELECT ${columns} FROM objects WHERE api_group = ? AND plural = ? AND namespace = ? AND name = ?`,
    key.group,
    key.plural,
    key.namespace,
    key.name,
  );
}

export class Write {
  readonly changes: StoredRow[] = [];
  readonly #db: Database;
  readonly #log: ChangeLog;
  #revision: number;

  constructor(db: Database, log: ChangeLog) {
    this.#db = db;
    this.#log = log;
    this.#revision = log.newest;
  }

  find(key: ObjectKey): Row | undefined {
    return findRow(this.#db, key);
  }

  /** The row as it is now: an earlier step of the same transaction may have changed or removed it. */
  again(row: Row): Row | undefined {
    return this.#db.first<Row>(`SELECT ${columns} FROM objects WHERE id = ?`, row.id);
  }

  findByUid(uid: string): Row | undefined {
    return this.#db.first<Row>(`SELECT ${columns} FROM objects WHERE uid = ?`, uid);
  }

  /** Rows whose owner references name this uid. */
  dependentsOf(uid: string): (Row & { blocks: number })[] {
    return this.#db.all<Row & { blocks: number }>(
      `SELECT ${columns}, blocks FROM objects JOIN owners ON dependent = id WHERE owner_uid = ?`,
      uid,
    );
  }

  /** Rows with an owner reference whose uid nobody has. */
  orphans(): Row[] {
    return this.#db.all<Row>(
      `SELECT DISTINCT ${columns} FROM objects JOIN owners ON dependent = id
       WHERE owner_uid NOT IN (SELECT uid FROM objects)`,
    );
  }

  contentOf(namespace: string): Row[] {
    return this.#db.all<Row>(`SELECT ${columns} FROM objects WHERE namespace = ?`, namespace);
  }

  isEmpty(namespace: string): boolean {
    return this.#db.first('SELECT 1 FROM objects WHERE namespace = ? LIMIT 1', namespace) === undefined;
  }

  insert(key: ObjectKey, object: KubeObject): void {
    const revision = this.#stamp(object);
    const value = JSON.stringify(object);
    const id = this.#db.run(
      'INSERT INTO objects (api_group, plural, namespace, name, uid, revision, value) VALUES (?, ?, ?, ?, ?, ?, ?)',
      key.group,
      key.plural,
      key.namespace,
      key.name,
      object.metadata.uid ?? '',
      revision,
      value,
    );
    this.#writeOwners(id, object);
    this.#record({ ...key, revision, type: 'ADDED', value, old: undefined });
  }

  /**
   * @param known `sameOwners`: that its owners have not changed
   * @returns the row as it is now
   */
  replace(row: Row, object: KubeObject, known = { sameOwners: false }): Row {
    const revision = this.#stamp(object);
    const value = JSON.stringify(object);
    this.#db.run('UPDATE objects SET revision = ?, value = ? WHERE id = ?', revision, value, row.id);
    const changed = (): boolean => JSON.stringify(object.metadata.ownerReferences) !== JSON.stringify(parseRow(row).metadata.ownerReferences);
    if (!known.sameOwners && changed()) {
      this.#db.run('DELETE FROM owners WHERE dependent = ?', row.id);
      this.#writeOwners(row.id, object);
    }
    this.#record({ ...keyOfRow(row), revision, type: 'MODIFIED', value, old: row.value });
    return { ...row, revision, value };
  }

  /** @param object its last state, when that differs from what the row holds */
  remove(row: Row, object = parseRow(row)): void {
    const revision = this.#stamp(object);
    this.#db.run('DELETE FROM objects WHERE id = ?', row.id);
    this.#record({ ...keyOfRow(row), revision, type: 'DELETED', value: JSON.stringify(object), old: row.value });
  }

  #stamp(object: KubeObject): number {
    this.#revision += 1;
    object.metadata.resourceVersion = String(this.#revision);
    return this.#revision;
  }

  #writeOwners(id: number, object: KubeObject): void {
    for (const owner of object.metadata.ownerReferences ?? []) {
      this.#db.run(
        'INSERT OR REPLACE INTO owners (owner_uid, dependent, blocks) VALUES (?, ?, ?)',
        owner.uid,
        id,
        owner.blockOwnerDeletion === true ? 1 : 0,
      );
    }
  }

  #record(change: StoredRow): void {
    this.#log.append(change);
    this.changes.push(change);
  }
}

const keyOfRow = (row: Row): ObjectKey => ({
  group: row.api_group,
  plural: row.plural,
  namespace: row.namespace,
  name: row.name,
});

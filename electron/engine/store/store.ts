/** The engine's store: one set of tables, and the two views of it that the API server and the controllers have. */
import { createHash } from 'node:crypto';
import type { KubeObject } from '#shared/kube/object.ts';
import type { AnyDefinition } from '../api/definition.ts';
import { ApiError, conflict, notFound } from '../api/errors.ts';
import type { Log } from '../context.ts';
import { bootId } from '../service/boot-id.ts';
import type { ApiStore, DeleteAnswer, DeleteRequest, StoredChange, UpdateRequest, WatchRequest, WriteRequest } from './api-store.ts';
import { ChangeLog, type ChangeLogLimits, type StoredRow } from './change-log.ts';
import { createObject } from './create.ts';
import { openDatabase, type Database } from './database.ts';
import { collect, collectOrphans, deleteRow } from './deletion.ts';
import { apiVersionOf, keyOf, parseRow } from './keys.ts';
import { listObjects } from './listing.ts';
import { checkNamespaceDeletable, createPermanentNamespaces } from './namespaces.ts';
import { createResources } from './object-client.ts';
import type { Resources } from './resources.ts';
import { Reserve } from './reserve.ts';
import { updateObject } from './update.ts';
import { Watchers } from './watchers.ts';
import { findRow, Write } from './write.ts';

export interface Store {
  api: ApiStore;
  resources: Resources;
  close(): void;
}

/** Some hours of a busy host; an engine that was away for longer is listed anew. */
const defaultLimits: ChangeLogLimits = { revisions: 10_000, bytes: 32 * 2 ** 20 };

/**
 * Opens the store, makes the permanent namespaces and collects what an earlier end left without an owner.
 * @param file path of the database; locked until `close` or the end of the process
 * @param boot which run of the host this is
 * @throws SQLite's own error, see sqlite-errors.ts
 */
export function openStore(file: string, log: Log, limits = defaultLimits, boot = bootId()): Store {
  const db = openDatabase(file);
  try {
    const store = new SqliteStore(db, new Reserve(`${file}-reserve`), log, limits, boot);
    return { api: store, resources: createResources(store), close: () => store.close() };
  } catch (error) {
    db.close();
    throw error;
  }
}

export class SqliteStore implements ApiStore {
  readonly #db: Database;
  readonly #reserve: Reserve;
  readonly #changes: ChangeLog;
  readonly #watchers: Watchers;
  readonly #log: Log;
  #closed = false;

  constructor(db: Database, reserve: Reserve, log: Log, limits: ChangeLogLimits, boot = bootId()) {
    this.#db = db;
    this.#reserve = reserve;
    this.#log = log;
    this.#changes = new ChangeLog(db, limits);
    this.#watchers = new Watchers(log);
    this.#whenFull(() => this.#changes.began(createHash('sha256').update(boot).digest().readUIntBE(0, 6)));
    this.#write((write) => {
      createPermanentNamespaces(write);
      collectOrphans(write);
    });
  }

  get resourceVersion(): string {
    return String(this.#changes.newest);
  }

  check(): void {
    this.#db.first('SELECT 1 FROM objects LIMIT 1');
  }

  get(of: AnyDefinition, namespace: string | undefined, name: string): KubeObject | undefined {
    const row = findRow(this.#db, keyOf(of, namespace, name));
    return row && asKind(of, row.value);
  }

  list(...args: Parameters<ApiStore['list']>): ReturnType<ApiStore['list']> {
    return listObjects(this.#db, this.#changes, ...args);
  }

  create(of: AnyDefinition, object: KubeObject, request: WriteRequest = {}): KubeObject {
    const created = this.#write((write) => createObject(write, of, object, request), { soon: of.transient === true });
    if (request.dryRun !== true) this.#collectSoon(created);
    return created;
  }

  update(of: AnyDefinition, object: KubeObject, request: UpdateRequest = {}): KubeObject {
    const urgent = request.subresource === 'status' || this.#isDeleting(of, object);
    const updated = this.#write((write) => updateObject(write, of, object, request), { urgent, soon: request.soon ?? of.transient === true });
    if (request.dryRun !== true && request.subresource !== 'status') this.#collectSoon(updated);
    return updated;
  }

  delete(of: AnyDefinition, namespace: string | undefined, name: string, request: DeleteRequest = {}): DeleteAnswer {
    const key = keyOf(of, namespace, name);
    const work = (write: Write): DeleteAnswer => {
      const row = write.find(key);
      if (!row) throw notFound(of, name);
      const { uid, resourceVersion } = request.preconditions ?? {};
      if (uid !== undefined && uid !== row.uid) {
        throw conflict(of, name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${row.uid}`);
      }
      if (resourceVersion !== undefined && resourceVersion !== String(row.revision)) {
        const found = `ResourceVersion in object meta: ${row.revision}`;
        throw conflict(of, name, `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ${found}`);
      }
      checkNamespaceDeletable(key);
      if (request.dryRun === true) return { object: asKind(of, row.value), removed: true };
      const answer = deleteRow(write, row, request.propagationPolicy);
      answer.object.apiVersion = apiVersionOf(of);
      return answer;
    };
    return this.#write(work, { urgent: true });
  }

  watch(of: AnyDefinition, request: WatchRequest, listener: (change: StoredChange) => void): () => void {
    const namespace = request.namespace ?? '';
    const take = (change: StoredRow): void => listener(shared(of, change));
    const past = this.#changes.after(this.#changes.revisionFrom(request.since), of, namespace);
    past.forEach(take);
    return this.#watchers.add(of, { since: this.#changes.newest, namespace, take, ahead: true });
  }

  flushed(): Promise<void> {
    return this.#db.flush();
  }

  /** Changes of a kind from now on. */
  follow(of: AnyDefinition, listener: (change: StoredChange) => void): () => void {
    const take = (change: StoredRow): void => listener(shared(of, change));
    return this.#watchers.add(of, { since: this.#changes.newest, namespace: '', take });
  }

  close(): void {
    this.#closed = true;
    this.#db.close();
  }

  #isDeleting(of: AnyDefinition, { metadata }: KubeObject): boolean {
    const row = findRow(this.#db, keyOf(of, metadata.namespace, metadata.name ?? ''));
    return row !== undefined && parseRow(row).metadata.deletionTimestamp !== undefined;
  }

  /**
   * @param how urgent: must go through on a full disk, as it is how space is got back; soon: see {@link Database.transaction}
   */
  #write<T>(work: (write: Write) => T, { urgent = false, soon = false }: { urgent?: boolean; soon?: boolean } = {}): T {
    if (urgent) return this.#whenFull(() => this.#transact(work, soon));
    const result = this.#transact(work, soon);
    this.#reserve.restore();
    return result;
  }

  #whenFull<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      const full = error instanceof ApiError && error.code === 507;
      if (!full || !this.#reserve.release()) throw error;
      this.#log.warn('The disk is full: the reserve was given free');
      this.#db.checkpoint();
      this.#changes.shorten();
      return work();
    }
  }

  #transact<T>(work: (write: Write) => T, soon: boolean): T {
    const write = new Write(this.#db, this.#changes);
    const result = this.#db.transaction(() => work(write), soon);
    try {
      this.#changes.committed(write.changes);
    } catch (error) {
      // The change itself is safe; only the log of changes could not be shortened.
      this.#log.error('Old changes could not be dropped from the database', { error });
    }
    this.#watchers.publish(write.changes);
    return result;
  }

  /** As Kubernetes' garbage collector does: what names only owners that are gone is taken, and goes a moment later. */
  #collectSoon(object: KubeObject): void {
    const { uid } = object.metadata;
    if (uid === undefined || (object.metadata.ownerReferences ?? []).length === 0) return;
    setImmediate(() => {
      if (this.#closed) return;
      try {
        this.#write((write) => {
          const row = write.findByUid(uid);
          if (row) collect(write, row);
        });
      } catch (error) {
        this.#log.error('An object without owner could not be collected', { name: object.metadata.name, error });
      }
    });
  }
}

function asKind(of: AnyDefinition, value: string): KubeObject {
  const object = parseRow({ value });
  object.apiVersion = apiVersionOf(of);
  of.custom?.show?.(object);
  return object;
}

/** Of one change, read once for all who watch: they look at it and leave it as it is. */
const readChanges = new WeakMap<StoredRow, Map<string, StoredChange>>();

function shared(of: AnyDefinition, change: StoredRow): StoredChange {
  const versions = readChanges.get(change) ?? new Map<string, StoredChange>();
  readChanges.set(change, versions);
  const found = versions.get(of.version) ?? asChange(of, change);
  versions.set(of.version, found);
  return found;
}

const asChange = (of: AnyDefinition, change: StoredRow): StoredChange => ({
  type: change.type,
  object: asKind(of, change.value),
  old: change.old === undefined ? undefined : asKind(of, change.old),
  resourceVersion: String(change.revision),
});

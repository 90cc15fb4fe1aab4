/** Lists, whole or in pieces that together show one moment. */
import type { KubeObject } from '#shared/kube/object.ts';
import type { AnyDefinition } from '../api/definition.ts';
import { badRequest } from '../api/errors.ts';
import type { ListAnswer, ListRequest } from './api-store.ts';
import type { ChangeLog } from './change-log.ts';
import type { Database } from './database.ts';
import { apiVersionOf, parseRow } from './keys.ts';

interface Position {
  /** The revision that the first piece showed. */
  revision: number;
  namespace: string;
  name: string;
}

interface Entry {
  namespace: string;
  name: string;
  value: string;
}

/** @throws ApiError 400 for a `continue` that is not ours, 410 for one (or a revision) that is too old */
export function listObjects(db: Database, log: ChangeLog, of: AnyDefinition, request: ListRequest): ListAnswer {
  const from = positionOf(log, request);
  const { limit = 0, matches } = request;
  const items: KubeObject[] = [];
  if (limit > 0 && !matches && from.revision === log.newest) return pageNow(db, of, from, request.namespace ?? '', limit);
  const entries = entriesAt(db, log, of, from, request.namespace ?? '');
  for (const [index, entry] of entries.entries()) {
    const object = shown(of, entry);
    if (matches && !matches(object)) continue;
    items.push(object);
    const left = entries.length - index - 1;
    if (limit === 0 || items.length < limit || left === 0) continue;
    return {
      items,
      resourceVersion: String(from.revision),
      continue: encode({ revision: from.revision, namespace: entry.namespace, name: entry.name }),
      // How many of the rest would match is not known before looking at them.
      ...(matches ? {} : { remainingItemCount: left }),
    };
  }
  return { items, resourceVersion: String(from.revision) };
}

/** A piece of what is there now: no more rows are read than it shows. */
function pageNow(db: Database, of: AnyDefinition, from: Position, namespace: string, limit: number): ListAnswer {
  const where = [of.group, of.plural, namespace, namespace, from.namespace, from.name] as const;
  const entries = db.all<Entry>(`SELECT namespace, name, value FROM objects ${afterPosition} ORDER BY namespace, name LIMIT ?`, ...where, limit);
  const items = entries.map((entry) => shown(of, entry));
  const last = entries.at(-1);
  const found = { items, resourceVersion: String(from.revision) };
  if (!last || entries.length < limit) return found;
  const behind = [of.group, of.plural, namespace, namespace, last.namespace, last.name] as const;
  const left = db.first<{ count: number }>(`SELECT count(*) AS count FROM objects ${afterPosition}`, ...behind)?.count ?? 0;
  if (left === 0) return found;
  return { ...found, continue: encode({ revision: from.revision, namespace: last.namespace, name: last.name }), remainingItemCount: left };
}

function shown(of: AnyDefinition, entry: Entry): KubeObject {
  const object = parseRow(entry);
  object.apiVersion = apiVersionOf(of);
  of.custom?.show?.(object);
  return object;
}

function positionOf(log: ChangeLog, request: ListRequest): Position {
  if (request.continue) return decode(log, request.continue);
  return { revision: request.revision === undefined ? log.newest : log.revisionFrom(request.revision), namespace: '', name: '' };
}

const afterPosition = "WHERE api_group = ? AND plural = ? AND (? = '' OR namespace = ?) AND (namespace, name) > (?, ?)";

/** Every object after a position, ordered by namespace and name, as it was at the position's revision. */
function entriesAt(db: Database, log: ChangeLog, of: AnyDefinition, from: Position, namespace: string): Entry[] {
  const now = db.all<Entry>(
    `SELECT namespace, name, value FROM objects ${afterPosition} ORDER BY namespace, name`,
    of.group,
    of.plural,
    namespace,
    namespace,
    from.namespace,
    from.name,
  );
  if (from.revision === log.newest) return now;

  // Undo what happened since: the first change after the revision holds the object as it was then.
  const then = new Map(now.map((entry) => [`${entry.namespace}/${entry.name}`, entry]));
  const undone = new Set<string>();
  for (const change of log.after(from.revision, of, namespace)) {
    const key = `${change.namespace}/${change.name}`;
    if (undone.has(key) || !isAfter(change, from)) continue;
    undone.add(key);
    if (change.old === undefined) then.delete(key);
    else then.set(key, { namespace: change.namespace, name: change.name, value: change.old });
  }
  return [...then.values()].sort((a, b) => compare(a.namespace, b.namespace) || compare(a.name, b.name));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const isAfter = (entry: { namespace: string; name: string }, from: Position): boolean =>
  (compare(entry.namespace, from.namespace) || compare(entry.name, from.name)) > 0;

const encode = (position: Position): string =>
  Buffer.from(JSON.stringify([position.revision, position.namespace, position.name])).toString('base64url');

function decode(log: ChangeLog, text: string): Position {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    throw badRequest('The continue token is not one that this server gave out.');
  }
  if (!Array.isArray(parts) || typeof parts[0] !== 'number' || typeof parts[1] !== 'string' || typeof parts[2] !== 'string') {
    throw badRequest('The continue token is not one that this server gave out.');
  }
  return { revision: log.revisionFrom(String(parts[0])), namespace: parts[1], name: parts[2] };
}

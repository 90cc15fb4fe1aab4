/** Keeps `metadata.managedFields` true with every write. */
import { isDeepStrictEqual } from 'node:util';
import type { KubeObject, ManagedFieldsEntry } from '#shared/kube/object.ts';
import type { AnyDefinition } from '../api/definition.ts';
import type { Json } from '../api/http/json.ts';
import { compare } from '../api/ownership/compare.ts';
import { afterUpdate, ownable, readClaims, sorted, withClaim, writeClaims, type Claim } from '../api/ownership/managers.ts';
import { shapeOf } from '../api/ownership/shape.ts';
import type { UpdateRequest } from './api-store.ts';
import { apiVersionOf, timestamp } from './keys.ts';

type WithStatus = KubeObject & { status?: unknown };

/** As whom the engine's own controllers write. */
const engineManager = 'hayloft-engine';

export interface Claiming {
  of: AnyDefinition;
  /** What was stored before; absent on create. */
  old: KubeObject | undefined;
  /** Gets its `managedFields`. */
  next: KubeObject;
  /** What the client sent as such. */
  given?: readonly ManagedFieldsEntry[] | undefined;
  request: UpdateRequest;
}

/** Works out who owns what once `next` is stored. */
export function claimFields({ of, old, next, given, request }: Claiming): void {
  const known = old && request.subresource === 'status' && request.manager === undefined ? ownStatusEntries(of, old, next) : undefined;
  if (known) {
    next.metadata.managedFields = known;
    return;
  }
  delete next.metadata.managedFields;
  const before = claimsBefore(old, request.subresource === undefined ? given : undefined);
  const claims = request.claims ?? claimsAfter(before, of, old, next, request);
  const entries = writeClaims(claims);
  if (entries.length > 0) next.metadata.managedFields = entries;
}

/** A client that knows nothing of ownership leaves it out, and so leaves it alone; `[{}]` means: forget it. */
function claimsBefore(old: KubeObject | undefined, given: readonly ManagedFieldsEntry[] | undefined): Claim[] {
  if (given?.length === 1 && given[0] && Object.keys(given[0]).length === 0) return [];
  const sent = given && given.length > 0 ? readClaims(given) : undefined;
  return sent ?? readClaims(old?.metadata.managedFields) ?? [];
}

function claimsAfter(before: Claim[], of: AnyDefinition, old: KubeObject | undefined, next: KubeObject, request: UpdateRequest): Claim[] {
  const from = old ? withoutEntries(old) : {};
  if (isDeepStrictEqual({ ...from, apiVersion: next.apiVersion }, next)) return before;
  const { subresource } = request;
  const by = { manager: request.manager ?? engineManager, operation: 'Update' as const, apiVersion: apiVersionOf(of) };
  const found = compare(from as Json, next as unknown as Json, shapeOf(of));
  const mine = {
    added: ownable(found.added, subresource, of.statusSubresource),
    modified: ownable(found.modified, subresource, of.statusSubresource),
    removed: ownable(found.removed, subresource, of.statusSubresource),
  };
  return afterUpdate(before, subresource === undefined ? by : { ...by, subresource }, mine, timestamp());
}

/**
 * The engine's own status, of which nobody else has anything: the usual case, and by far the most frequent write. The
 * others' entries stay as they are.
 * @returns undefined where somebody else has written to the status
 */
function ownStatusEntries(of: AnyDefinition, old: WithStatus, next: WithStatus): ManagedFieldsEntry[] | undefined {
  const before = old.metadata.managedFields ?? [];
  if (!of.statusSubresource) return undefined;
  const isStatus = ({ subresource }: ManagedFieldsEntry): boolean => subresource === 'status';
  const isOwn = (entry: ManagedFieldsEntry): boolean => isStatus(entry) && entry.manager === engineManager && entry.operation === 'Update';
  if (before.some((entry) => isStatus(entry) && !isOwn(entry))) return undefined;
  if (isDeepStrictEqual(old.status, next.status)) return before;
  const { added } = compare({}, (next.status === undefined ? {} : { status: next.status }) as Json, shapeOf(of));
  const by = { manager: engineManager, operation: 'Update' as const, apiVersion: apiVersionOf(of), subresource: 'status' as const };
  const [entry] = writeClaims(withClaim([], by, added, timestamp()));
  const last = before.find(isOwn);
  const same = last && entry && last.apiVersion === entry.apiVersion && isDeepStrictEqual(last.fieldsV1, entry.fieldsV1);
  const own = same ? last : entry;
  return sorted([...before.filter((one) => !isOwn(one)), ...(own ? [own] : [])]);
}

function withoutEntries(object: KubeObject): object {
  const metadata = { ...object.metadata };
  delete metadata.managedFields;
  return { ...object, metadata };
}

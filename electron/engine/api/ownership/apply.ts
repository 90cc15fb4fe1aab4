/** Server-side apply: what somebody wants is merged into what is there, and what they no longer want is taken out. */
import type { KubeObject } from '#shared/kube/object.ts';
import type { Json } from '../http/json.ts';
import { compare, fieldsOf } from './compare.ts';
import { applyConflict } from './conflicts.ts';
import { difference, emptySet, intersection, isEmpty, union, withHolders } from './field-set.ts';
import { isSameManager, ownable, withClaim, withoutChanged, type Claim, type Manager } from './managers.ts';
import { merge, without } from './merge.ts';
import type { Shape } from './shape.ts';

export interface Application {
  /** What is there; undefined when the object is to be made. */
  live: KubeObject | undefined;
  applied: KubeObject;
  claims: readonly Claim[];
  by: Manager;
  /** Takes what is another's. */
  force: boolean;
  /** What the same person applied before the server knew how to: its fields are theirs to change. */
  lastApplied?: KubeObject | undefined;
  shape: Shape;
  hasStatus: boolean;
  now: string;
}

export interface Applied {
  object: KubeObject;
  claims: Claim[];
}

const asJson = (object: KubeObject): Json => object as unknown as Json;

/** @throws ApiError 409 with a cause for each field that is another's and would change */
export function applyObject({ live, applied, claims, by, force, lastApplied, shape, hasStatus, now }: Application): Applied {
  const owned = known(live, claims, shape, hasStatus);
  const last = owned.find((claim) => isSameManager(claim, by))?.set ?? emptySet();
  const set = ownable(fieldsOf(asJson(applied), shape), by.subresource, hasStatus);
  const claimed = withClaim(owned, by, set, now);

  const kept = withHolders(claimed.reduce((all, claim) => union(all, claim.set), emptySet()));
  const merged = merge(live && asJson(live), asJson(applied), shape);
  const object = without(merged, difference(last, kept), { ...kept, member: true }, shape) as unknown as KubeObject;
  if (!live) return { object, claims: claimed };

  const found = compare(asJson(live), asJson(object), shape);
  const differences = {
    added: ownable(found.added, by.subresource, hasStatus),
    modified: ownable(found.modified, by.subresource, hasStatus),
    removed: ownable(found.removed, by.subresource, hasStatus),
  };
  const free = lastApplied ? fieldsOf(asJson(lastApplied), shape) : emptySet();
  const changed = difference(union(differences.modified, differences.added), free);
  const contested = owned
    .filter((claim) => !isSameManager(claim, by))
    .map((claim) => ({ claim, set: intersection(claim.set, changed) }))
    .filter((conflict) => !isEmpty(conflict.set));
  if (contested.length > 0 && !force) throw applyConflict(contested);
  return { object, claims: withoutChanged(claimed, by, differences) };
}

/** An object from before anybody kept ownership: all of it belongs to whoever was there before. */
function known(live: KubeObject | undefined, claims: readonly Claim[], shape: Shape, hasStatus: boolean): readonly Claim[] {
  if (!live || claims.length > 0) return claims;
  const set = ownable(fieldsOf(asJson(live), shape), undefined, hasStatus);
  if (isEmpty(set)) return claims;
  const { creationTimestamp = '' } = live.metadata;
  return [{ manager: 'before-first-apply', operation: 'Update', apiVersion: live.apiVersion, time: creationTimestamp, set }];
}

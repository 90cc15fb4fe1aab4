/** Who owns which fields (`metadata.managedFields`), and how that changes when somebody writes. */
import type { ManagedFieldsEntry } from '#shared/kube/object.ts';
import { isJsonObject } from '../http/json.ts';
import type { Differences } from './compare.ts';
import { difference, fromFieldsV1, isEmpty, sameSet, toFieldsV1, union, type FieldSet } from './field-set.ts';

export interface Manager {
  manager: string;
  operation: 'Apply' | 'Update';
  apiVersion: string;
  subresource?: string;
}

export interface Claim extends Manager {
  time: string;
  set: FieldSet;
}

/** Kubernetes' own bound; the oldest are told together from there on. */
const mostUpdaters = 10;
const ancient = 'ancient-changes';

/** Nobody's: what the server writes, and what names the object. */
const unowned = fromFieldsV1({
  'f:apiVersion': {},
  'f:kind': {},
  'f:metadata': {
    ...{ '.': {}, 'f:name': {}, 'f:namespace': {}, 'f:uid': {}, 'f:resourceVersion': {}, 'f:generation': {} },
    ...{ 'f:creationTimestamp': {}, 'f:deletionTimestamp': {}, 'f:deletionGracePeriodSeconds': {}, 'f:selfLink': {} },
    'f:managedFields': {},
  },
});

/**
 * Leaves of a set what somebody can own who writes this part of the object.
 * @param hasStatus whether status is written through a subresource of its own
 */
export function ownable(set: FieldSet, subresource: string | undefined, hasStatus: boolean): FieldSet {
  const children = new Map(set.children);
  if (subresource === 'status') for (const step of children.keys()) if (step !== 'f:status') children.delete(step);
  if (subresource === undefined && hasStatus) children.delete('f:status');
  const rest = { member: false, children };
  return unowned ? difference(rest, unowned) : rest;
}

/** @returns undefined when it cannot be read, which Kubernetes takes for "not given" */
export function readClaims(entries: unknown): Claim[] | undefined {
  if (!Array.isArray(entries)) return undefined;
  const claims = entries.map(readClaim);
  return claims.every((claim) => claim !== undefined) ? claims : undefined;
}

function readClaim(entry: unknown): Claim | undefined {
  if (!isJsonObject(entry)) return undefined;
  const { manager = '', operation, apiVersion = '', time = '', fieldsType = 'FieldsV1', fieldsV1, subresource = '' } = entry;
  if (operation !== 'Apply' && operation !== 'Update') return undefined;
  if (typeof manager !== 'string' || typeof apiVersion !== 'string' || typeof time !== 'string' || typeof subresource !== 'string') return undefined;
  const set = fieldsType === 'FieldsV1' ? fromFieldsV1(fieldsV1) : undefined;
  return set && { manager, operation, apiVersion, time, set, ...(subresource === '' ? {} : { subresource }) };
}

const rank = ({ operation, time = '', manager = '' }: Pick<ManagedFieldsEntry, 'operation' | 'time' | 'manager'>): string =>
  `${operation ?? ''} ${time} ${manager}`;

/** Appliers first, then by time, as Kubernetes has it. */
export const sorted = <T extends Pick<ManagedFieldsEntry, 'operation' | 'time' | 'manager'>>(entries: readonly T[]): T[] =>
  [...entries].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));

export const writeClaims = (claims: readonly Claim[]): ManagedFieldsEntry[] =>
  sorted(claims).map(({ manager, operation, apiVersion, time, subresource, set }) => ({
    manager,
    operation,
    apiVersion,
    ...(time === '' ? {} : { time }),
    fieldsType: 'FieldsV1',
    fieldsV1: toFieldsV1(set),
    ...(subresource === undefined ? {} : { subresource }),
  }));

export const isSameManager = (a: Manager, b: Manager): boolean =>
  a.manager === b.manager && a.operation === b.operation && a.subresource === b.subresource;

/** The claims with one of them set; an empty one goes. Its time is that of its last change. */
export function withClaim(claims: readonly Claim[], by: Manager, set: FieldSet, now: string): Claim[] {
  const old = claims.find((claim) => isSameManager(claim, by));
  const others = claims.filter((claim) => claim !== old);
  if (isEmpty(set)) return others;
  const unchanged = old?.apiVersion === by.apiVersion && sameSet(old.set, set);
  return [...others, { ...by, set, time: unchanged ? old.time : now }];
}

/** What is left to everybody else once these fields were changed or removed by one. */
export function withoutChanged(claims: readonly Claim[], by: Manager, { added, modified, removed }: Differences): Claim[] {
  const lost = union(union(added, modified), removed);
  return claims
    .map((claim) => (isSameManager(claim, by) ? claim : { ...claim, set: difference(claim.set, lost) }))
    .filter(({ set }) => !isEmpty(set));
}

/** @param differences those that this manager may own, see {@link ownable} */
export function afterUpdate(claims: readonly Claim[], by: Manager, differences: Differences, now: string): Claim[] {
  const { added, modified, removed } = differences;
  const own = claims.find((claim) => isSameManager(claim, by))?.set ?? { member: false, children: new Map() };
  const set = union(difference(own, removed), union(added, modified));
  return capped(withClaim(withoutChanged(claims, by, differences), by, set, now));
}

function capped(claims: Claim[]): Claim[] {
  const updaters = claims.filter(({ operation, subresource }) => operation === 'Update' && subresource === undefined);
  if (updaters.length <= mostUpdaters) return claims;
  const oldest = [...updaters].sort((a, b) => (a.time < b.time ? -1 : 1)).slice(0, updaters.length - mostUpdaters + 1);
  const [first] = oldest;
  if (!first) return claims;
  const together = oldest.reduce((set, claim) => union(set, claim.set), first.set);
  return [...claims.filter((claim) => !oldest.includes(claim)), { ...first, manager: ancient, time: oldest.at(-1)?.time ?? '', set: together }];
}

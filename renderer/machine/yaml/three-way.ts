/** Two people's changes of one object, brought together. Pure. */
import type { Path } from './schema.ts';
import { without } from './without.ts';

export interface Conflict {
  path: Path;
  base: unknown;
  yours: unknown;
  theirs: unknown;
}

export interface Merge {
  /** With both changes; where they conflict, with yours. */
  merged: unknown;
  conflicts: Conflict[];
}

type Fields = Record<string, unknown>;
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
/** @returns whether both say the same, in whatever order their keys stand */
export const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));

/** The order of keys says nothing. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isFields(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, sorted(item)]));
}

/** Lists of Kubernetes whose items have names are merged by them. */
const isNamed = (list: unknown): list is ({ name: string } & Fields)[] =>
  Array.isArray(list) && list.every((item) => isFields(item) && typeof item['name'] === 'string') && new Set(list.map((item: Fields) => item['name'])).size === list.length;

/** @param base what both began with */
export function mergeThreeWays(base: unknown, yours: unknown, theirs: unknown, path: Path = []): Merge {
  if (isSame(yours, theirs) || isSame(base, theirs)) return { merged: yours, conflicts: [] };
  if (isSame(base, yours)) return { merged: theirs, conflicts: [] };
  if (isFields(yours) && isFields(theirs)) return mergeFields(isFields(base) ? base : {}, yours, theirs, path);
  if (isNamed(yours) && isNamed(theirs) && (base === undefined || isNamed(base))) return mergeNamed(base ?? [], yours, theirs, path);
  return { merged: yours, conflicts: [{ path, base, yours, theirs }] };
}

function mergeFields(base: Fields, yours: Fields, theirs: Fields, path: Path): Merge {
  const conflicts: Conflict[] = [];
  const merged: Fields = {};
  for (const key of new Set([...Object.keys(yours), ...Object.keys(theirs)])) {
    const part = mergeThreeWays(base[key], yours[key], theirs[key], [...path, key]);
    conflicts.push(...part.conflicts);
    if (part.merged !== undefined) merged[key] = part.merged;
  }
  return { merged, conflicts };
}

function mergeNamed(base: ({ name: string } & Fields)[], yours: typeof base, theirs: typeof base, path: Path): Merge {
  const find = (list: typeof base, name: string): Fields | undefined => list.find((item) => item.name === name);
  const conflicts: Conflict[] = [];
  const merged: unknown[] = [];
  for (const name of new Set([...yours, ...theirs].map((item) => item.name))) {
    const part = mergeThreeWays(find(base, name), find(yours, name), find(theirs, name), [...path, name]);
    conflicts.push(...part.conflicts);
    if (part.merged !== undefined) merged.push(part.merged);
  }
  return { merged, conflicts };
}

/** The merged object with theirs in the place of yours at a conflict's path. */
export function takeTheirs(merged: unknown, { path, theirs }: Conflict): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return theirs;
  const inner: Conflict = { path: rest, theirs, base: undefined, yours: undefined };
  if (Array.isArray(merged)) {
    const list = merged as unknown[];
    const index = list.findIndex((item) => isFields(item) && item['name'] === step);
    const item = takeTheirs(list[index], inner);
    if (index < 0) return item === undefined ? list : [...list, item];
    return list.flatMap((old, at) => (at !== index ? [old] : item === undefined ? [] : [item]));
  }
  const fields = isFields(merged) ? merged : {};
  const value = takeTheirs(fields[String(step)], inner);
  return value === undefined ? without(fields, String(step)) : { ...fields, [String(step)]: value };
}

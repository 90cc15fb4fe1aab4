/** Which paths an object has, and which differ between two. */
import { isJsonObject, type Json } from '../http/json.ts';
import { isFixedStep, partsOf, sameJson, shapeAt } from './elements.ts';
import { emptySet, insert, type FieldSet } from './field-set.ts';
import type { Shape } from './shape.ts';

export interface Differences {
  added: FieldSet;
  modified: FieldSet;
  removed: FieldSet;
}

/** What somebody who applies this object claims. */
export function fieldsOf(value: Json, shape: Shape): FieldSet {
  const set = emptySet();
  collect(value, shape, [], set);
  return set;
}

function collect(value: Json, shape: Shape, path: readonly string[], set: FieldSet): void {
  const parts = partsOf(value, shape);
  if (!parts) {
    insert(set, path);
    return;
  }
  for (const [step, part] of parts) {
    const at = [...path, step];
    const isHollow = isJsonObject(part) && Object.keys(part).length === 0;
    collect(part, shapeAt(shape, step), at, set);
    if (isHollow || !isFixedStep(shape, step)) insert(set, at);
  }
}

export function compare(old: Json, next: Json, shape: Shape): Differences {
  const differences: Differences = { added: emptySet(), modified: emptySet(), removed: emptySet() };
  walk({ old, next, shape }, [], differences);
  return differences;
}

interface Pair {
  old: Json | undefined;
  next: Json | undefined;
  shape: Shape;
}

function walk({ old, next, shape }: Pair, path: readonly string[], into: Differences): void {
  if (old === next) return;
  if (path.length > 0 && old === undefined) insert(into.added, path);
  if (path.length > 0 && next === undefined) insert(into.removed, path);
  const before = partsOf(old, shape);
  const after = partsOf(next, shape);
  const bothThere = old !== undefined && next !== undefined;
  const comparable = before && after && Array.isArray(old) === Array.isArray(next);
  if (bothThere && !comparable) {
    if (!sameJson(old, next)) insert(into.modified, path);
    return;
  }
  for (const step of new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])])) {
    walk({ old: before?.get(step), next: after?.get(step), shape: shapeAt(shape, step) }, [...path, step], into);
  }
}

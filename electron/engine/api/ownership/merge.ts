/** Laying what is applied over what is there, and taking out what nobody wants any more. */
import { isJsonObject, type Json, type JsonObject } from '../http/json.ts';
import { fieldStep, partsOf, shapeAt } from './elements.ts';
import type { FieldSet } from './field-set.ts';
import type { Shape } from './shape.ts';

/** @returns the merged value; what it was made from is left as it is */
export function merge(live: Json | undefined, applied: Json, shape: Shape): Json {
  const there = partsOf(live, shape);
  const wanted = partsOf(applied, shape);
  if (!there || !wanted || Array.isArray(live) !== Array.isArray(applied)) return applied;
  const mergedAt = (step: string): Json => {
    const own = wanted.get(step);
    return own === undefined ? (there.get(step) ?? null) : merge(there.get(step), own, shapeAt(shape, step));
  };
  if (Array.isArray(applied)) return inOrder([...there.keys()], [...wanted.keys()]).map(mergedAt);
  const result: JsonObject = isJsonObject(live) ? { ...live } : {};
  for (const step of wanted.keys()) result[step.slice(2)] = mergedAt(step);
  return result;
}

/** What is applied comes in its own order; what is not keeps its place before what followed it. */
function inOrder(there: readonly string[], wanted: readonly string[]): string[] {
  const asked = new Set(wanted);
  const order: string[] = [];
  let next = 0;
  const placed = new Set<string>();
  for (const step of there) {
    if (!asked.has(step)) {
      order.push(step);
      continue;
    }
    while (next < wanted.length && !placed.has(step)) {
      const own = wanted[next] ?? '';
      next += 1;
      placed.add(own);
      order.push(own);
    }
  }
  return [...order, ...wanted.slice(next)];
}

/**
 * Takes paths out of a value; a map or list that becomes empty by that goes, too, unless somebody owns it.
 * @param kept what is owned, with all that holds it
 * @returns undefined when nothing is left
 */
export function without(value: Json, doomed: FieldSet, kept: FieldSet, shape: Shape): Json | undefined {
  const parts = partsOf(value, shape);
  if (!parts) return value;
  const left = new Map<string, Json>();
  for (const [step, part] of parts) {
    const below = doomed.children.get(step);
    const owned = kept.children.get(step) ?? { member: false, children: new Map() };
    const rest = below?.member === true ? undefined : below ? without(part, below, owned, shapeAt(shape, step)) : part;
    if (rest !== undefined) left.set(step, rest);
  }
  if (left.size === 0 && parts.size > 0 && !kept.member) return undefined;
  if (Array.isArray(value)) return [...left.values()];
  return Object.fromEntries(Object.keys(value as JsonObject).flatMap((name) => {
    const rest = left.get(fieldStep(name));
    return rest === undefined ? [] : [[name, rest]];
  }));
}

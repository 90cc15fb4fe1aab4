/** Steps of a path into an object, as `fieldsV1` writes them: `f:name`, `k:{"name":"root"}`, `v:"text"`. */
import { isDeepStrictEqual } from 'node:util';
import { isJsonObject, type Json, type JsonObject } from '../http/json.ts';
import type { Shape } from './shape.ts';

export const fieldStep = (name: string): string => `f:${name}`;

/** What tells an element of a list apart; undefined when it lacks that. */
function elementStep(item: Json, { keys, set, keyDefaults }: Shape): string | undefined {
  if (set === true) return typeof item === 'object' && item !== null ? undefined : `v:${JSON.stringify(item)}`;
  if (!isJsonObject(item)) return undefined;
  const named: JsonObject = {};
  for (const key of [...(keys ?? [])].sort()) {
    const value = item[key] ?? (keyDefaults?.[key] as Json | undefined);
    if (value === undefined || value === null || typeof value === 'object') return undefined;
    named[key] = value;
  }
  return `k:${JSON.stringify(named)}`;
}

/**
 * The parts of a value that can be owned apart, by their steps.
 * @returns undefined when the value is owned as a whole: scalars, what its shape says, and lists whose elements cannot
 *   be told apart
 */
export function partsOf(value: Json | undefined, shape: Shape): Map<string, Json> | undefined {
  if (Array.isArray(value)) {
    if (shape.keys === undefined && shape.set !== true) return undefined;
    const parts = new Map<string, Json>();
    for (const item of value) {
      const step = elementStep(item, shape);
      if (step === undefined || parts.has(step)) return undefined;
      parts.set(step, item);
    }
    return parts;
  }
  if (!isJsonObject(value) || shape.atomic === true) return undefined;
  return new Map(Object.entries(value).map(([name, item]) => [fieldStep(name), item]));
}

/** @returns the shape of what a step leads to */
export const shapeAt = (shape: Shape, step: string): Shape => (step.startsWith('f:') ? shape.field(step.slice(2)) : shape.items());

export const isFixedStep = (shape: Shape, step: string): boolean => step.startsWith('f:') && shape.isFixed(step.slice(2));

export const sameJson = (a: Json | undefined, b: Json | undefined): boolean => a === b || isDeepStrictEqual(a, b);

/** A path as people read it: `.spec.disks[name="root"].bus`. */
export function pathText(steps: readonly string[]): string {
  return steps
    .map((step) => {
      const text = step.slice(2);
      if (step.startsWith('f:')) return `.${text}`;
      if (step.startsWith('v:')) return `[=${text}]`;
      if (!step.startsWith('k:')) return `[${text}]`;
      const keys = Object.entries(JSON.parse(text) as JsonObject).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
      return `[${keys.join(',')}]`;
    })
    .join('');
}

/** Sets of paths into an object: who owns what is such a set. */
import { isJsonObject } from '../http/json.ts';

export interface FieldSet {
  /** Whether the path that leads here is in the set. */
  member: boolean;
  children: Map<string, FieldSet>;
}

export const emptySet = (): FieldSet => ({ member: false, children: new Map() });

export const isEmpty = ({ member, children }: FieldSet): boolean => !member && children.size === 0;

export function insert(set: FieldSet, path: readonly string[]): void {
  let at = set;
  for (const step of path) {
    let next = at.children.get(step);
    if (!next) at.children.set(step, (next = emptySet()));
    at = next;
  }
  at.member = true;
}

/** Combines two sets path by path; branches that end up empty are left out. */
function combine(a: FieldSet, b: FieldSet, keeps: (inA: boolean, inB: boolean) => boolean): FieldSet {
  const result: FieldSet = { member: keeps(a.member, b.member), children: new Map() };
  for (const step of new Set([...a.children.keys(), ...b.children.keys()])) {
    const child = combine(a.children.get(step) ?? nothing, b.children.get(step) ?? nothing, keeps);
    if (!isEmpty(child)) result.children.set(step, child);
  }
  return result;
}

const nothing = emptySet();

export const union = (a: FieldSet, b: FieldSet): FieldSet => combine(a, b, (inA, inB) => inA || inB);
export const difference = (a: FieldSet, b: FieldSet): FieldSet => combine(a, b, (inA, inB) => inA && !inB);
export const intersection = (a: FieldSet, b: FieldSet): FieldSet => combine(a, b, (inA, inB) => inA && inB);

export const sameSet = (a: FieldSet, b: FieldSet): boolean => isEmpty(combine(a, b, (inA, inB) => inA !== inB));

/** Whoever owns a part keeps what holds it: the set with every path on the way to a member. */
export function withHolders({ member, children }: FieldSet): FieldSet {
  const held = new Map([...children].map(([step, child]) => [step, withHolders(child)]));
  return { member: member || held.size > 0, children: held };
}

export function* pathsOf(set: FieldSet, path: readonly string[] = []): Generator<readonly string[]> {
  if (set.member) yield path;
  for (const [step, child] of set.children) yield* pathsOf(child, [...path, step]);
}

/** As `fieldsV1`: nothing but nested objects, `.` for a member that has members below it. */
export function toFieldsV1(set: FieldSet): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  if (set.member && set.children.size > 0) fields['.'] = {};
  for (const [step, child] of set.children) fields[step] = toFieldsV1(child);
  return fields;
}

const steps = /^(f:|k:\{.*\}$|v:|i:\d+$)/s;
/** Paths of objects that people write are a tenth as deep. */
const deepest = 200;

/** @returns undefined when it is no `fieldsV1` */
export function fromFieldsV1(fields: unknown, depth = 0): FieldSet | undefined {
  if (!isJsonObject(fields) || depth > deepest) return undefined;
  const entries = Object.entries(fields);
  const set: FieldSet = { member: entries.length === 0, children: new Map() };
  for (const [step, below] of entries) {
    if (step === '.') {
      set.member = true;
      continue;
    }
    const child = steps.test(step) && isReadable(step) ? fromFieldsV1(below, depth + 1) : undefined;
    if (!child) return undefined;
    set.children.set(step, child);
  }
  // The whole object is nobody's.
  if (depth === 0) set.member = false;
  return set;
}

function isReadable(step: string): boolean {
  if (!step.startsWith('k:') && !step.startsWith('v:')) return true;
  try {
    JSON.parse(step.slice(2));
    return true;
  } catch {
    return false;
  }
}

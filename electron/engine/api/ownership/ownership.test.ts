import { describe, expect, it } from 'vitest';
import type { KubeObject } from '#shared/kube/object.ts';
import { ApiError } from '../errors.ts';
import type { Json } from '../http/json.ts';
import { array, integer, map, object, string } from '../schema.ts';
import { applyObject, type Applied } from './apply.ts';
import { compare, fieldsOf } from './compare.ts';
import { pathText } from './elements.ts';
import { difference, fromFieldsV1, insert, intersection, pathsOf, toFieldsV1, union, withHolders, emptySet, type FieldSet } from './field-set.ts';
import { afterUpdate, ownable, readClaims, writeClaims, type Claim } from './managers.ts';
import { merge } from './merge.ts';
import { shapeOf } from './shape.ts';

const schema = object({
  spec: object({
    size: integer(),
    options: map(string()),
    disks: array(object({ name: string(), bus: string(), order: array(string()) }), { mergeKey: 'name' }),
    words: array(string(), { set: true }),
    plain: array(string()),
  }),
});
const shape = shapeOf({ schema });
const now = '2026-01-01T00:00:00Z';

type Thing = KubeObject & { spec?: unknown };
const thing = (spec: object, metadata: object = {}): Thing => ({ apiVersion: 'test/v1', kind: 'Thing', metadata: { name: 'a', ...metadata }, spec });
const setOf = (...paths: string[][]): FieldSet => {
  const set = emptySet();
  for (const path of paths) insert(set, path);
  return set;
};
const textsOf = (set: FieldSet): string[] => [...pathsOf(set)].map(pathText).sort();

function apply(live: Applied | undefined, manager: string, spec: object, force = false): Applied {
  return applyObject({
    live: live?.object,
    applied: thing(spec),
    claims: live?.claims ?? [],
    by: { manager, operation: 'Apply', apiVersion: 'test/v1' },
    ...{ force, shape, hasStatus: true, now },
  });
}

function update(live: Applied, manager: string, spec: object): Applied {
  const next = thing(spec);
  const { added, modified, removed } = compare(live.object as unknown as Json, next as unknown as Json, shape);
  const mine = { added: ownable(added, undefined, true), modified: ownable(modified, undefined, true), removed: ownable(removed, undefined, true) };
  return { object: next, claims: afterUpdate(live.claims, { manager, operation: 'Update', apiVersion: 'test/v1' }, mine, now) };
}

const specOf = ({ object: { spec } }: { object: Thing }): unknown => spec;
const owned = ({ claims }: Applied, manager: string): string[] => {
  const found = claims.find((claim) => claim.manager === manager);
  return found ? textsOf(found.set) : [];
};

describe('sets of fields', () => {
  const a = setOf(['f:x'], ['f:x', 'f:y'], ['f:z']);
  const b = setOf(['f:x', 'f:y'], ['f:w']);

  it('are joined, met and parted path by path', () => {
    expect(textsOf(union(a, b))).toEqual(['.w', '.x', '.x.y', '.z']);
    expect(textsOf(intersection(a, b))).toEqual(['.x.y']);
    expect(textsOf(difference(a, b))).toEqual(['.x', '.z']);
    expect(textsOf(withHolders(setOf(['f:p', 'f:q'])))).toEqual(['', '.p', '.p.q']);
  });

  it('are written as Kubernetes writes them, and read back', () => {
    const fields = toFieldsV1(setOf(['f:d'], ['f:d', 'k:{"name":"r"}'], ['f:d', 'k:{"name":"r"}', 'f:b'], ['f:w', 'v:"x"']));
    expect(fields).toEqual({ 'f:d': { '.': {}, 'k:{"name":"r"}': { '.': {}, 'f:b': {} } }, 'f:w': { 'v:"x"': {} } });
    expect(toFieldsV1(fromFieldsV1(fields) ?? emptySet())).toEqual(fields);
    for (const wrong of [null, [], { x: {} }, { 'f:a': 1 }, { 'k:nonsense': {} }, { 'v:{': {} }]) expect(fromFieldsV1(wrong)).toBeUndefined();
  });

  it('name paths as people read them', () => {
    expect(pathText(['f:spec', 'f:disks', 'k:{"name":"root","port":80}', 'f:bus'])).toBe('.spec.disks[name="root",port=80].bus');
    expect(pathText(['f:words', 'v:"x"'])).toBe('.words[="x"]');
  });
});

describe('what is claimed by applying', () => {
  it('is each field, each entry, each element by its key, and lists that are one value', () => {
    const value = thing({ size: 1, options: { a: '1' }, disks: [{ name: 'r', bus: 'x', order: ['p'] }], words: ['w'], plain: ['p'] }, { labels: { l: '1' } });
    expect(textsOf(ownable(fieldsOf(value as unknown as Json, shape), undefined, true))).toEqual([
      '.metadata.labels.l',
      '.spec.disks[name="r"]',
      '.spec.disks[name="r"].bus',
      '.spec.disks[name="r"].name',
      '.spec.disks[name="r"].order',
      '.spec.options.a',
      '.spec.plain',
      '.spec.size',
      '.spec.words[="w"]',
    ]);
  });
});

describe('merging', () => {
  it('keeps what others brought where it was, and puts what is applied in its own order', () => {
    const names = (disks: string[]): Json => ({ disks: disks.map((name) => ({ name })) });
    const merged = merge(names(['x', 'b', 'a', 'y']), names(['a', 'b', 'c']), shape.field('spec'));
    expect(merged).toEqual(names(['x', 'a', 'b', 'y', 'c']));
    expect(merge({ plain: ['1', '2'] }, { plain: ['3'] }, shape.field('spec'))).toEqual({ plain: ['3'] });
    expect(merge({ words: ['1', '2'] }, { words: ['2', '3'] }, shape.field('spec'))).toEqual({ words: ['1', '2', '3'] });
  });
});

describe('applying', () => {
  it('takes out what the same manager no longer wants, and nothing else', () => {
    const first = apply(undefined, 'me', { size: 1, options: { a: '1', b: '2' }, disks: [{ name: 'r', bus: 'x' }, { name: 's' }], words: ['w'] });
    const edited = update(first, 'you', { size: 1, options: { a: '1', b: '2', c: '3' }, disks: [{ name: 'r', bus: 'x', order: ['q'] }, { name: 's' }], words: ['w'] });
    const second = apply(edited, 'me', { options: { a: '1' }, disks: [{ name: 'r' }] });
    expect(specOf(second)).toEqual({ options: { a: '1', c: '3' }, disks: [{ name: 'r', order: ['q'] }] });
    expect(owned(second, 'me')).toEqual(['.spec.disks[name="r"]', '.spec.disks[name="r"].name', '.spec.options.a']);
  });

  it('keeps a field that another applied as well', () => {
    const both = apply(apply(undefined, 'me', { size: 1 }), 'you', { size: 1 });
    const without = apply(both, 'me', { options: { a: '1' } });
    expect(specOf(without)).toEqual({ size: 1, options: { a: '1' } });
    expect(specOf(apply(without, 'you', { options: { a: '1' } }))).toEqual({ options: { a: '1' } });
  });

  it('refuses to change what is another’s, says whose it is, and takes it when forced', () => {
    const mine = update(apply(undefined, 'me', { size: 1, options: { a: '1' } }), 'editor', { size: 1, options: { a: '2' } });
    const conflict = (): unknown => {
      try {
        return apply(mine, 'you', { size: 2, options: { a: '3' } });
      } catch (error) {
        return error;
      }
    };
    const error = conflict() as ApiError;
    expect(error).toBeInstanceOf(ApiError);
    expect(error.message).toBe('Apply failed with 2 conflicts: conflicts with "editor" using test/v1:\n- .spec.options.a\nconflicts with "me":\n- .spec.size');
    expect(error.details?.causes).toEqual([
      { reason: 'FieldManagerConflict', message: 'conflict with "me"', field: '.spec.size' },
      { reason: 'FieldManagerConflict', message: 'conflict with "editor" using test/v1', field: '.spec.options.a' },
    ]);
    expect(() => apply(mine, 'you', { size: 2 })).toThrow('Apply failed with 1 conflict: conflict with "me": .spec.size');
    const taken = apply(mine, 'you', { size: 2 }, true);
    expect(specOf(taken)).toEqual({ size: 2, options: { a: '2' } });
    expect([owned(taken, 'me'), owned(taken, 'you')]).toEqual([[], ['.spec.size']]);
  });

  it('changes nothing, not even a time, the second time', () => {
    const first = apply(undefined, 'me', { size: 1 });
    const second = applyObject({ live: first.object, applied: thing({ size: 1 }), claims: first.claims, by: { manager: 'me', operation: 'Apply', apiVersion: 'test/v1' }, force: false, shape, hasStatus: true, now: '2030-01-01T00:00:00Z' });
    expect(second).toEqual(first);
  });

  it('gives an object that nobody owned to whoever was there before', () => {
    const old: Applied = { object: thing({ size: 1 }), claims: [] };
    expect(() => apply(old, 'me', { size: 2 })).toThrow('conflict with "before-first-apply" using test/v1: .spec.size');
  });

  it('drops a map that it emptied, unless it is still asked for', () => {
    const first = apply(undefined, 'me', { size: 1, options: { a: '1' } });
    expect(specOf(apply(first, 'me', { size: 1 }))).toEqual({ size: 1 });
    expect(specOf(apply(first, 'me', { size: 1, options: {} }))).toEqual({ size: 1, options: {} });
  });
});

describe('claims', () => {
  it('are read, written and sorted as Kubernetes has them; what cannot be read counts as not given', () => {
    const { claims } = update(apply(undefined, 'me', { size: 1 }), 'editor', { size: 2, plain: ['x'] });
    const entries = writeClaims(claims);
    expect(entries).toEqual([
      { manager: 'editor', operation: 'Update', apiVersion: 'test/v1', time: now, fieldsType: 'FieldsV1', fieldsV1: { 'f:spec': { 'f:size': {}, 'f:plain': {} } } },
    ]);
    expect(writeClaims(readClaims(entries) ?? [])).toEqual(entries);
    for (const wrong of [7, [null], [{ operation: 'Steal' }], [{ operation: 'Apply', fieldsV1: 7 }]]) expect(readClaims(wrong)).toBeUndefined();
  });

  it('of many updaters are told together from the eleventh on', () => {
    let state = apply(undefined, 'me', {});
    const options: Record<string, string> = {};
    for (let index = 0; index < 15; index += 1) {
      options[`k${index}`] = 'x';
      state = update(state, `editor-${index}`, { options: { ...options } });
    }
    const updaters: Claim[] = state.claims.filter(({ operation }) => operation === 'Update');
    expect(updaters).toHaveLength(10);
    expect(updaters.map(({ manager }) => manager)).toContain('ancient-changes');
    expect(updaters.flatMap(({ set }) => textsOf(set)).filter((text) => text.includes('.k'))).toHaveLength(15);
  });
});

import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../http/json.ts';
import { array, object, string } from '../schema.ts';
import { jsonPatch } from './json-patch.ts';
import { mergePatch } from './merge-patch.ts';
import { strategicPatch } from './strategic-patch.ts';

describe('mergePatch', () => {
  it('merges objects, replaces lists, and takes null as removal', () => {
    const target = { a: { b: 1, c: 2 }, list: [1, 2], gone: true };
    expect(mergePatch(target, { a: { c: null, d: 3 }, list: [3], gone: null })).toEqual({ a: { b: 1, d: 3 }, list: [3] });
    expect(target.gone).toBe(true);
  });

  it('makes objects where there was something else', () => {
    expect(mergePatch('text', { a: { b: null, c: 1 } })).toEqual({ a: { c: 1 } });
  });
});

describe('jsonPatch', () => {
  const target: Json = { list: ['a', 'b'], 'a/b': { '~': 1 } };

  it.each<[unknown[], Json]>([
    [[{ op: 'add', path: '/list/-', value: 'c' }], { ...target, list: ['a', 'b', 'c'] }],
    [[{ op: 'add', path: '/list/0', value: 'c' }], { ...target, list: ['c', 'a', 'b'] }],
    [[{ op: 'replace', path: '/list/1', value: 'z' }], { ...target, list: ['a', 'z'] }],
    [[{ op: 'remove', path: '/a~1b/~0' }], { ...target, 'a/b': {} }],
    [[{ op: 'move', from: '/list/0', path: '/first' }], { ...target, list: ['b'], first: 'a' }],
    [[{ op: 'copy', from: '/list', path: '/copy' }], { ...target, copy: ['a', 'b'] }],
    [[{ op: 'test', path: '/list/0', value: 'a' }], target],
  ])('applies %j', (patch, result) => {
    expect(jsonPatch(target, patch)).toEqual(result);
  });

  it.each([
    [[{ op: 'test', path: '/list/0', value: 'x' }], 422],
    [[{ op: 'remove', path: '/nothing' }], 422],
    [[{ op: 'add', path: '/list/5', value: 1 }], 422],
    [[{ op: 'fly', path: '/list' }], 400],
    [{ op: 'add' }, 400],
  ])('refuses %j', (patch, code) => {
    expect(() => jsonPatch(target, patch)).toThrow(expect.objectContaining({ code }) as Error);
    expect(target).toEqual({ list: ['a', 'b'], 'a/b': { '~': 1 } });
  });
});

describe('strategicPatch', () => {
  const item = object({ name: string(), value: string(), other: string() });
  const schema = object({ items: array(item, { mergeKey: 'name' }), plain: array(string()) });
  const target: JsonObject = { items: [{ name: 'a', value: '1' }, { name: 'b', value: '2' }], plain: ['x', 'y'] };

  it('merges lists by their key and replaces others', () => {
    const patch: JsonObject = { items: [{ name: 'b', other: '!' }, { name: 'c', value: '3' }], plain: ['z'] };
    expect(strategicPatch(target, patch, schema)).toEqual({
      items: [{ name: 'a', value: '1' }, { name: 'b', value: '2', other: '!' }, { name: 'c', value: '3' }],
      plain: ['z'],
    });
  });

  it('knows deletion, replacement, order and removal from plain lists', () => {
    expect(strategicPatch(target, { items: [{ name: 'a', $patch: 'delete' }] }, schema)).toMatchObject({
      items: [{ name: 'b', value: '2' }],
    });
    expect(strategicPatch(target, { items: [{ $patch: 'replace' }, { name: 'n' }] }, schema)).toMatchObject({ items: [{ name: 'n' }] });
    expect(
      strategicPatch(target, { '$setElementOrder/items': [{ name: 'b' }, { name: 'a' }], items: [{ name: 'a', value: '9' }] }, schema),
    ).toMatchObject({ items: [{ name: 'b', value: '2' }, { name: 'a', value: '9' }] });
    expect(strategicPatch(target, { '$deleteFromPrimitiveList/plain': ['x'] }, schema)).toMatchObject({ plain: ['y'] });
    expect(strategicPatch({ a: 1, b: 2 }, { $retainKeys: ['b', 'c'], c: 3 }, undefined)).toEqual({ b: 2, c: 3 });
  });

  it('adds to sets, and makes lists that were not there', () => {
    const sets = object({ names: array(string(), { set: true }), items: array(item, { mergeKey: 'name' }) });
    expect(strategicPatch({ names: ['a', 'b'] }, { names: ['b', 'c', 'c'] }, sets)).toEqual({ names: ['a', 'b', 'c'] });
    const patch = { '$setElementOrder/names': ['c', 'a'], '$deleteFromPrimitiveList/names': ['b'], names: ['c'] };
    expect(strategicPatch({ names: ['a', 'b'] }, patch, sets)).toEqual({ names: ['c', 'a'] });
    expect(strategicPatch({}, { items: [{ name: 'x', value: null, $patch: 'merge' }] }, sets)).toEqual({ items: [{ name: 'x' }] });
  });

  it.each<[JsonObject]>([
    [{ items: [{ value: 'no name' }] }],
    [{ $patch: 'explode' }],
    [{ $retainKeys: 'all' }],
    [{ '$setElementOrder/items': 'name' }],
    [{ '$deleteFromPrimitiveList/plain': 'x' }],
  ])('refuses %j', (patch) => {
    expect(() => strategicPatch(target, patch, schema)).toThrow(expect.objectContaining({ code: 400 }) as Error);
  });
});

describe('all patches', () => {
  it('bound what they make, and leave prototypes alone', () => {
    const double = Array.from({ length: 60 }, () => ({ op: 'copy', from: '/a', path: '/a/-' }));
    expect(() => jsonPatch({ a: ['x'.repeat(100)] }, double)).toThrow(expect.objectContaining({ code: 413 }) as Error);
    expect(() => jsonPatch({}, [{ op: 'add', path: '/__proto__', value: { polluted: true } }])).toThrow();
    expect(() => jsonPatch({}, [{ op: 'add', path: '/__proto__/polluted', value: true }])).toThrow();
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

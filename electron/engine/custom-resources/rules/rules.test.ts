import { describe, expect, it } from 'vitest';
import type { Json } from '../../api/http/json.ts';
import type { JsonSchema, ValidationRule } from '../schema/json-schema.ts';
import { runRules } from './check.ts';
import { compileRules } from './compile.ts';

const ruled = (schema: JsonSchema, ...rules: ValidationRule[]): JsonSchema => ({ ...schema, 'x-kubernetes-validations': rules });
const spec = (properties: Record<string, JsonSchema>, ...rules: ValidationRule[]): JsonSchema => ({
  type: 'object',
  properties: { spec: ruled({ type: 'object', properties }, ...rules) },
});
const text: JsonSchema = { type: 'string' };
const whole: JsonSchema = { type: 'integer' };
const texts: JsonSchema = { type: 'array', items: text };

function broken(schema: JsonSchema, object: Json, old?: Json): string[] {
  const { root, causes } = compileRules(schema, 'schema');
  expect(causes).toEqual([]);
  return root ? runRules(root, object, old).map(({ field, reason, message }) => `${field ?? ''} | ${reason ?? ''} | ${message ?? ''}`) : [];
}
const refused = (schema: JsonSchema): string[] => compileRules(schema, 'schema').causes.map(({ field, message }) => `${field ?? ''} | ${message?.split('\n')[0] ?? ''}`);
/** Whether one rule about `self` holds. */
const holds = (rule: string, of: JsonSchema, value: Json): boolean => broken({ type: 'object', properties: { v: ruled(of, { rule }) } }, { v: value }).length === 0;

describe('a rule that does not hold', () => {
  const schema = spec({ min: whole, max: whole }, { rule: 'self.min <= self.max', message: 'min must not be above max', fieldPath: '.min', reason: 'FieldValueForbidden' });

  it('is told where, why, and in its own words', () => {
    expect(broken(schema, { spec: { min: 1, max: 2 } })).toEqual([]);
    expect(broken(schema, { spec: { min: 3, max: 2 } })).toEqual(['spec.min | FieldValueForbidden | Forbidden: min must not be above max']);
  });

  it('is told by an expression, and by itself where that says nothing', () => {
    const said = (messageExpression?: string): ValidationRule => ({ rule: 'self.min == 1', ...(messageExpression === undefined ? {} : { messageExpression }) });
    expect(broken(spec({ min: whole }, said('"min is %d".format([self.min])')), { spec: { min: 3 } })).toEqual(['spec | FieldValueInvalid | Invalid value: "object": min is 3']);
    expect(broken(spec({ min: whole }, said('" "')), { spec: { min: 3 } })).toEqual(['spec | FieldValueInvalid | Invalid value: "object": failed rule: self.min == 1']);
  });

  it('does not hold either when it cannot be run', () => {
    expect(broken(schema, { spec: { min: 3 } })[0]).toContain('No such key: max evaluating rule: min must not be above max');
  });

  it('is run on items, map values, and the whole object with its name', () => {
    const each: JsonSchema = { type: 'object', properties: { list: { type: 'array', items: ruled(text, { rule: 'self != "b"' }) }, map: { type: 'object', additionalProperties: ruled(whole, { rule: 'self > 0' }) } } };
    const found = broken(ruled(each, { rule: 'self.metadata.name.startsWith("x-")' }), { metadata: { name: 'y' }, list: ['a', 'b'], map: { k: 0 } });
    expect(found.map((line) => line.split(' | ')[0])).toEqual(['', 'list[1]', 'map[k]']);
  });
});

describe('what was before', () => {
  it('is looked at on updates alone, or as an option', () => {
    const schema = spec({ size: whole, kind: ruled(text, { rule: 'self == oldSelf', message: 'kind is immutable' }) }, { rule: 'oldSelf.hasValue() || self.size == 1', optionalOldSelf: true });
    expect(broken(schema, { spec: { kind: 'a', size: 1 } })).toEqual([]);
    expect(broken(schema, { spec: { kind: 'a', size: 2 } })[0]).toContain('failed rule: oldSelf.hasValue()');
    expect(broken(schema, { spec: { kind: 'b', size: 2 } }, { spec: { kind: 'a', size: 1 } })).toEqual(['spec.kind | FieldValueInvalid | Invalid value: "string": kind is immutable']);
    expect(broken(schema, { spec: { kind: 'b', size: 2 } }, { spec: { size: 1 } })).toEqual([]);
  });

  it('is found in a list by keys', () => {
    const items: JsonSchema = { type: 'object', properties: { name: text, size: ruled(whole, { rule: 'self >= oldSelf' }) } };
    const schema: JsonSchema = { type: 'object', properties: { l: { type: 'array', items, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] } } };
    const old: Json = { l: [{ name: 'a', size: 1 }, { name: 'b', size: 9 }] };
    expect(broken(schema, { l: [{ name: 'b', size: 9 }, { name: 'a', size: 0 }] }, old)).toHaveLength(1);
    expect(refused({ type: 'object', properties: { l: { type: 'array', items } } })[0]).toContain('uncorrelatable portion of the schema within schema.properties[l]');
  });

  it('may stay wrong', () => {
    const schema = spec({ a: ruled(whole, { rule: 'self > 5' }), b: whole });
    expect(broken(schema, { spec: { a: 1, b: 2 } }, { spec: { a: 1, b: 1 } })).toEqual([]);
    expect(broken(schema, { spec: { a: 2, b: 2 } }, { spec: { a: 1, b: 1 } })).toHaveLength(1);
  });
});

describe('the language', () => {
  it.each<[string, JsonSchema, Json]>([
    ['self.all(x, x.matches("^[a-z]+$")) && self.exists(x, x == "a") && self.exists_one(x, x == "b")', texts, ['a', 'b']],
    ['self.map(x, x + "!").filter(x, x != "a!") == ["b!"] && size(self) == 2', texts, ['a', 'b']],
    ['self.isSorted() && self.min() == "a" && self.indexOf("b") == 1 && self.lastIndexOf("z") == -1', texts, ['a', 'b']],
    ['self.map(x, x * 2).sum() == 6', { type: 'array', items: whole }, [1, 2]],
    ['self.replace("a", "b").charAt(0) == "b" && self.find("[0-9]+") == "12" && self.findAll("[0-9]+") == ["12", "3"]', text, 'a12x3'],
    ['isURL(self) && url(self).getScheme() == "https" && url(self).getHostname() == "::1" && url(self).getPort() == "8443"', text, 'https://[::1]:8443/a?b=c'],
    ['!isURL(self)', text, 'not one'],
    ['quantity(self).isGreaterThan(quantity("1Gi")) && isQuantity(self) && quantity(self).compareTo(quantity("2048Mi")) == 0', text, '2Gi'],
    ['isIP(self) && ip(self).family() == 4 && !isCIDR(self)', text, '10.0.0.1'],
    ['self.startsWith("a") && self.split(",").size() == 2 && self.lowerAscii() == "a,b"', text, 'a,b'],
    ['!has(self.b) && has(self.__namespace__) && self.a__dash__b == 1', { type: 'object', properties: { b: text, namespace: text, 'a-b': whole } }, { namespace: 'x', 'a-b': 1 }],
    ['self > duration("1m") && self < duration("2h")', { type: 'string', format: 'duration' }, '1h'],
    ['self < timestamp("2030-01-01T00:00:00Z")', { type: 'string', format: 'date-time' }, '2020-01-01T00:00:00Z'],
    ['type(self) == int ? self == 1 : self == "1"', { 'x-kubernetes-int-or-string': true }, 1],
    ['self >= 1.5', { type: 'number' }, 2],
    ['"k" in self && self["k"] == "v" && self.all(key, self[key] != "")', { type: 'object', additionalProperties: text }, { k: 'v' }],
  ])('%s', (rule, schema, value) => {
    expect(broken({ type: 'object', properties: { v: ruled(schema, { rule }) } }, { v: value })).toEqual([]);
    expect(holds(`!(${rule})`, schema, value)).toBe(false);
  });

  it('is refused by path where it cannot be read, has an unknown function, or is no condition', () => {
    const at = 'schema.properties[spec].x-kubernetes-validations[0].rule';
    expect(refused(spec({}, { rule: 'self.' }))[0]).toMatch(`${at} | Invalid value: "self.": compilation failed`);
    expect(refused(spec({}, { rule: 'self.frobnicate()' }))[0]).toContain("no matching overload for 'dyn.frobnicate()'");
    expect(refused(spec({}, { rule: 'other == 1' }))[0]).toContain('Unknown variable: other');
    expect(refused(spec({}, { rule: '1 + 1' }))[0]).toContain('must evaluate to a bool');
    expect(refused(spec({}, { rule: 'self == self', reason: 'Nonsense' }))[0]).toContain('supported values');
  });

  it('may not keep the engine busy', () => {
    const begun = performance.now();
    const list = Array.from({ length: 4000 }, (_, at) => at);
    const found = broken({ type: 'object', properties: { v: ruled({ type: 'array', items: whole }, { rule: 'self.all(a, self.all(b, self.all(c, a + b + c >= 0)))' }) } }, { v: list });
    expect(found[0]).toContain('cost budget');
    expect(performance.now() - begun).toBeLessThan(5000);
  });
});

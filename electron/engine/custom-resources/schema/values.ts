/**
 * Checks values against a structural schema. Words, paths and reasons are those of Kubernetes' API server, which takes them
 * from go-openapi's validation; clients and people know them.
 */
import type { StatusCause } from '#shared/kube/object.ts';
import { isJsonObject, typeName, type Json } from '../../api/http/json.ts';
import { childPath } from '../../api/http/json-keys.ts';
import { hasFormat } from './formats.ts';
import { fieldSchema, patternOf, type JsonSchema } from './json-schema.ts';
import { checkListType } from './list-types.ts';

const shown = (value: unknown): string => JSON.stringify(value);
const cause = (reason: string, field: string, message: string): StatusCause => ({ reason: `FieldValue${reason}`, field, message });
const wrong = (path: string, value: unknown, text: string): StatusCause => cause('Invalid', path, `Invalid value: ${shown(value)}: ${named(path)} ${text}`);
const named = (path: string): string => (path === '' ? 'in body' : `${path} in body`);

/** @param path of the value, empty for the whole object */
export function checkValue(value: Json, schema: JsonSchema, path: string): StatusCause[] {
  if (value === null && schema.nullable === true) return [];
  const mistyped = checkType(value, schema, path);
  if (mistyped) return [mistyped];
  const causes = [...checkEnum(value, schema, path), ...checkContent(value, schema, path)];
  if (schema.type !== undefined || schema['x-kubernetes-int-or-string'] === true) causes.push(...checkListType(value, schema, path));
  if (schema['x-kubernetes-embedded-resource'] === true && isJsonObject(value)) causes.push(...checkEmbedded(value, path));
  return [...causes, ...checkBranches(value, schema, path)];
}

function checkType(value: Json, schema: JsonSchema, path: string): StatusCause | undefined {
  const types = schema['x-kubernetes-int-or-string'] === true ? ['integer', 'string'] : schema.type === undefined ? [] : [schema.type];
  const type = typeName(value);
  if (types.length === 0 || types.includes(type) || (type === 'integer' && types.includes('number'))) return undefined;
  const message = `Invalid value: "${type}": ${named(path)} must be of type ${types.join(',')}: "${type}"`;
  return cause('TypeInvalid', path, message);
}

function checkEnum(value: Json, schema: JsonSchema, path: string): StatusCause[] {
  if (!schema.enum || schema.enum.some((item) => shown(item) === shown(value))) return [];
  return [cause('NotSupported', path, `Unsupported value: ${shown(value)}: supported values: ${schema.enum.map(shown).join(', ')}`)];
}

function checkContent(value: Json, schema: JsonSchema, path: string): StatusCause[] {
  if (typeof value === 'string') return checkText(value, schema, path);
  if (typeof value === 'number') return checkNumber(value, schema, path);
  if (Array.isArray(value)) return checkArray(value, schema, path);
  return isJsonObject(value) ? checkObject(value, schema, path) : [];
}

function checkText(value: string, schema: JsonSchema, path: string): StatusCause[] {
  const causes: StatusCause[] = [];
  const length = Array.from(value).length;
  if (schema.maxLength !== undefined && length > schema.maxLength) causes.push(cause('TooLong', path, `Too long: may not be more than ${schema.maxLength} bytes`));
  if (schema.minLength !== undefined && length < schema.minLength) causes.push(wrong(path, value, `should be at least ${schema.minLength} chars long`));
  if (schema.pattern !== undefined && !patternOf(schema.pattern).test(value)) causes.push(wrong(path, value, `should match '${schema.pattern}'`));
  if (schema.format !== undefined && !hasFormat(value, schema.format)) causes.push(wrong(path, value, `must be of type ${schema.format}: ${shown(value)}`));
  return causes;
}

function checkNumber(value: number, schema: JsonSchema, path: string): StatusCause[] {
  const causes: StatusCause[] = [];
  const { minimum, maximum, exclusiveMinimum = false, exclusiveMaximum = false, multipleOf } = schema;
  if (minimum !== undefined && (value < minimum || (exclusiveMinimum && value === minimum))) {
    causes.push(wrong(path, value, `should be greater than ${exclusiveMinimum ? '' : 'or equal to '}${minimum}`));
  }
  if (maximum !== undefined && (value > maximum || (exclusiveMaximum && value === maximum))) {
    causes.push(wrong(path, value, `should be less than ${exclusiveMaximum ? '' : 'or equal to '}${maximum}`));
  }
  if (multipleOf !== undefined && !Number.isInteger(value / multipleOf)) causes.push(wrong(path, value, `should be a multiple of ${multipleOf}`));
  const bits = schema.format === 'int32' ? 31 : undefined;
  if (bits !== undefined && (value < -(2 ** bits) || value > 2 ** bits - 1)) causes.push(wrong(path, value, `must be of type int32: ${shown(value)}`));
  return causes;
}

function checkArray(value: Json[], schema: JsonSchema, path: string): StatusCause[] {
  const { items, minItems, maxItems } = schema;
  const causes: StatusCause[] = [];
  if (maxItems !== undefined && value.length > maxItems) causes.push(cause('TooMany', path, `Too many: ${value.length}: must have at most ${maxItems} items`));
  if (minItems !== undefined && value.length < minItems) causes.push(wrong(path, value.length, `should have at least ${minItems} items`));
  if (items) causes.push(...value.flatMap((item, at) => checkValue(item, items, childPath(path, at))));
  return causes;
}

function checkObject(value: Record<string, Json>, schema: JsonSchema, path: string): StatusCause[] {
  const causes: StatusCause[] = [];
  const { minProperties, maxProperties, required = [] } = schema;
  const count = Object.keys(value).length;
  if (maxProperties !== undefined && count > maxProperties) causes.push(cause('TooMany', path, `Too many: ${count}: must have at most ${maxProperties} items`));
  if (minProperties !== undefined && count < minProperties) causes.push(wrong(path, count, `should have at least ${minProperties} properties`));
  for (const name of required) if (!Object.hasOwn(value, name)) causes.push(cause('Required', childPath(path, name), 'Required value'));
  for (const [name, item] of Object.entries(value)) {
    const of = fieldSchema(schema, name);
    if (of) causes.push(...checkValue(item, of, childPath(path, name)));
  }
  return causes;
}

function checkEmbedded(value: Record<string, Json>, path: string): StatusCause[] {
  return ['apiVersion', 'kind'].flatMap((name) => {
    const given = value[name];
    if (given === undefined || given === '') return [cause('Required', childPath(path, name), 'Required value: must not be empty')];
    return typeof given === 'string' ? [] : [cause('TypeInvalid', childPath(path, name), `Invalid value: "${typeName(given)}": ${path}.${name} in body must be of type string: "${typeName(given)}"`)];
  });
}

/** Kubernetes has no path for what no branch takes. */
const branch = (path: string, text: string): StatusCause => cause('Invalid', '<nil>', `Invalid value: "": "${path}" must ${text}`);

function checkBranches(value: Json, { allOf, anyOf, oneOf, not }: JsonSchema, path: string): StatusCause[] {
  const causes: StatusCause[] = [];
  const judge = (schemas: readonly JsonSchema[]): StatusCause[][] => schemas.map((schema) => checkValue(value, schema, path));
  const nearest = (judged: readonly StatusCause[][]): StatusCause[] => judged.reduce((best, next) => (next.length < best.length ? next : best));
  if (anyOf && anyOf.length > 0) {
    const judged = judge(anyOf);
    if (judged.every((found) => found.length > 0)) causes.push(...nearest(judged), branch(path, 'validate at least one schema (anyOf)'));
  }
  if (oneOf && oneOf.length > 0) {
    const judged = judge(oneOf);
    const fitting = judged.filter((found) => found.length === 0).length;
    if (fitting === 0) causes.push(...nearest(judged), branch(path, 'validate one and only one schema (oneOf). Found none valid'));
    if (fitting > 1) causes.push(branch(path, `validate one and only one schema (oneOf). Found ${fitting} valid alternatives`));
  }
  if (allOf && allOf.length > 0) {
    const found = judge(allOf).flat();
    if (found.length > 0) causes.push(...found, branch(path, 'validate all the schemas (allOf)'));
  }
  if (not && checkValue(value, not, path).length === 0) causes.push(branch(path, 'not validate the schema (not)'));
  return causes;
}

/** Checks an object against its kind's schema: unknown fields are cut out and named, wrong values are named by path. */
import type { KubeObject, StatusCause } from '#shared/kube/object.ts';
import { parseQuantity } from '#shared/kube/quantities.ts';
import type { AnyDefinition } from '../definition.ts';
import { isJsonObject, typeName } from '../http/json.ts';
import { childPath } from '../http/json-keys.ts';
import type { ScalarSchema, Schema } from '../schema.ts';
import { metadataSchema } from './metadata-schema.ts';

export interface Findings {
  /** Paths of fields that nobody knows; they have been cut out. */
  unknown: string[];
  /** What makes the object invalid. */
  causes: StatusCause[];
}

/**
 * Changes the object in place: unknown fields go, and so do nulls, which say "not given".
 * @param partial what is checked will be merged with what is there: it may lack what is required
 */
export function validate(definition: AnyDefinition, object: KubeObject, partial = false): Findings {
  const findings = definition.custom?.check(object, { partial }) ?? checkKind(definition, object);
  if (!partial) return findings;
  return { ...findings, causes: findings.causes.filter(({ reason }) => reason !== 'FieldValueRequired') };
}

/** By the engine's own schema, whatever else the kind may have. Changes the object in place, as {@link validate} does. */
export function checkKind(definition: Pick<AnyDefinition, 'schema'>, object: KubeObject): Findings {
  const findings: Findings = { unknown: [], causes: [] };
  const { properties, required } = definition.schema;
  const whole: Schema = {
    type: 'object',
    properties: {
      ...properties,
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: metadataSchema,
    },
    ...(required === undefined ? {} : { required }),
  };
  check(whole, object, '', findings);
  return findings;
}

function check(schema: Schema, value: unknown, path: string, findings: Findings): void {
  if (schema.unsupported !== undefined) {
    findings.causes.push({ reason: 'FieldValueForbidden', field: path, message: schema.unsupported });
    return;
  }
  switch (schema.type) {
    case 'any':
      return;
    case 'object':
      if (!isJsonObject(value)) { wrongType(path, 'object', value, findings); return; }
      for (const key of Object.keys(value)) {
        const known = Object.hasOwn(schema.properties, key) ? schema.properties[key] : undefined;
        const at = childPath(path, key);
        if (!known) findings.unknown.push(at);
        if (!known || (value[key] === null && !keepsNull(known))) Reflect.deleteProperty(value, key);
        else check(known, value[key], at, findings);
      }
      for (const key of schema.required ?? []) {
        if (value[key] === undefined) {
          findings.causes.push({ reason: 'FieldValueRequired', field: childPath(path, key), message: 'Required value' });
        }
      }
      return;
    case 'map':
      if (!isJsonObject(value)) { wrongType(path, 'object', value, findings); return; }
      for (const [key, item] of Object.entries(value)) {
        if (item === null && !keepsNull(schema.values)) Reflect.deleteProperty(value, key);
        else check(schema.values, item, childPath(path, key), findings);
      }
      return;
    case 'array':
      if (!Array.isArray(value)) { wrongType(path, 'array', value, findings); return; }
      value.forEach((item, index) => check(schema.items, item, childPath(path, index), findings));
      return;
    default:
      checkScalar(schema, value, path, findings);
  }
}

const keepsNull = ({ type, unsupported }: Schema): boolean => type === 'any' && unsupported === undefined;

function checkScalar(schema: ScalarSchema, value: unknown, path: string, findings: Findings): void {
  if (!hasType(schema.type, value)) { wrongType(path, schema.type === 'time' ? 'date-time' : schema.type, value, findings); return; }
  if (schema.enum && !schema.enum.includes(String(value))) {
    const supported = schema.enum.map((item) => `"${item}"`).join(', ');
    const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported}`;
    findings.causes.push({ reason: 'FieldValueNotSupported', field: path, message });
    return;
  }
  const fault = faultOf(schema, value);
  if (fault !== undefined) {
    findings.causes.push({ reason: 'FieldValueInvalid', field: path, message: `Invalid value: ${JSON.stringify(value)}: ${fault}` });
  }
}

function hasType(type: ScalarSchema['type'], value: unknown): boolean {
  switch (type) {
    case 'string':
      return typeof value === 'string';
    case 'boolean':
      return typeof value === 'boolean';
    case 'integer':
      return Number.isInteger(value);
    case 'number':
      return typeof value === 'number';
    case 'intOrString':
      return typeof value === 'string' || Number.isInteger(value);
    case 'quantity':
      return parseQuantity(value as string) !== undefined;
    case 'time':
      return typeof value === 'string' && !Number.isNaN(Date.parse(value));
  }
}

function faultOf(schema: ScalarSchema, value: unknown): string | undefined {
  if (schema.pattern !== undefined && !wholePattern(schema.pattern).test(String(value))) {
    return `should match '${schema.pattern}'`;
  }
  if (schema.minimum !== undefined && Number(value) < schema.minimum) return `should be greater than or equal to ${schema.minimum}`;
  if (schema.maximum !== undefined && Number(value) > schema.maximum) return `should be less than or equal to ${schema.maximum}`;
  return undefined;
}

const patterns = new Map<string, RegExp>();

function wholePattern(pattern: string): RegExp {
  const found = patterns.get(pattern) ?? new RegExp(`^(?:${pattern})$`);
  patterns.set(pattern, found);
  return found;
}

function wrongType(path: string, expected: string, value: unknown, findings: Findings): void {
  findings.causes.push({
    reason: 'FieldValueTypeInvalid',
    field: path,
    message: `Invalid value: "${typeName(value)}": ${path} must be of type ${expected}`,
  });
}

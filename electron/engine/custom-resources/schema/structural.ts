/**
 * Whether a schema is structural: every field has a type, so that it is known what belongs to an object. Rules and words:
 * kubernetes.io, "Specifying a structural schema".
 */
import type { StatusCause } from '#shared/kube/object.ts';
import { patternOf, valuesOf, type JsonSchema } from './json-schema.ts';
import { dropNulls, prune } from './prune.ts';
import { checkValue } from './values.ts';

const invalid = (field: string, value: unknown, text: string): StatusCause => ({ reason: 'FieldValueInvalid', field, message: `Invalid value: ${JSON.stringify(value)}: ${text}` });
const required = (field: string, text: string): StatusCause => ({ reason: 'FieldValueRequired', field, message: `Required value: ${text}` });
const forbidden = (field: string, text: string): StatusCause => ({ reason: 'FieldValueForbidden', field, message: `Forbidden: ${text}` });

const types = new Set(['string', 'integer', 'number', 'boolean', 'object', 'array']);
/** Known to JSON Schema and not to Kubernetes. */
const unsupportedWords = ['$ref', '$schema', 'id', 'definitions', 'dependencies', 'patternProperties', 'additionalItems'];
/** What a branch may not say, since it would say what belongs to the object. */
const structureWords = [
  ...['description', 'type', 'nullable', 'default', 'additionalProperties', 'title'],
  ...['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource', 'x-kubernetes-int-or-string'],
  ...['x-kubernetes-list-type', 'x-kubernetes-list-map-keys', 'x-kubernetes-map-type'],
] as const;

/** @param path of the schema in its CustomResourceDefinition */
export function checkStructural(schema: JsonSchema, path: string): StatusCause[] {
  const root = schema.type === 'object' ? [] : [invalid(`${path}.type`, schema.type ?? '', 'must be object at the root')];
  return [...root, ...checkMetadata(schema, path), ...checkNode(schema, path, 'root')];
}

function checkMetadata({ properties }: JsonSchema, path: string): StatusCause[] {
  const { properties: of = {} } = properties?.['metadata'] ?? {};
  const others = Object.keys(of).filter((name) => name !== 'name' && name !== 'generateName');
  return others.length === 0 ? [] : [forbidden(`${path}.properties[metadata]`, 'must not specify anything other than name and generateName, but metadata is implicitly specified')];
}

function checkNode(schema: JsonSchema, path: string, level: 'root' | 'field' | 'item'): StatusCause[] {
  const causes = [...checkWords(schema, path), ...checkType(schema, path, level), ...checkLists(schema, path), ...checkDefault(schema, path)];
  if (schema.items) causes.push(...checkNode(schema.items, `${path}.items`, 'item'));
  for (const [name, field] of Object.entries(schema.properties ?? {})) causes.push(...checkNode(field, `${path}.properties[${name}]`, 'field'));
  const values = valuesOf(schema);
  if (values) causes.push(...checkNode(values, `${path}.additionalProperties`, 'field'));
  return [...causes, ...checkBranches(schema, schema, path)];
}

function checkWords(schema: JsonSchema, path: string): StatusCause[] {
  const causes = unsupportedWords.filter((word) => word in schema).map((word) => forbidden(`${path}.${word}`, `${word} is not supported`));
  if (schema.uniqueItems === true) causes.push(forbidden(`${path}.uniqueItems`, 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic'));
  if (schema.additionalProperties === false) causes.push(forbidden(`${path}.additionalProperties`, 'additionalProperties cannot be set to false'));
  if (schema.properties && Object.keys(schema.properties).length > 0 && schema.additionalProperties !== undefined) {
    causes.push(forbidden(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'));
  }
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    causes.push(invalid(`${path}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined'));
  }
  return [...causes, ...checkPattern(schema, path)];
}

function checkPattern({ pattern }: JsonSchema, path: string): StatusCause[] {
  if (pattern === undefined) return [];
  try {
    patternOf(pattern);
    return [];
  } catch (error) {
    return [invalid(`${path}.pattern`, pattern, `must be a valid regular expression, but isn't: ${error instanceof Error ? error.message : String(error)}`)];
  }
}

function checkType(schema: JsonSchema, path: string, level: 'root' | 'field' | 'item'): StatusCause[] {
  const { type } = schema;
  if (type === undefined || type === '') {
    const free = schema['x-kubernetes-preserve-unknown-fields'] === true || schema['x-kubernetes-int-or-string'] === true;
    if (level === 'root' || free) return [];
    return [required(`${path}.type`, `must not be empty for specified ${level === 'item' ? 'array items' : 'object fields'}`)];
  }
  if (!types.has(type)) {
    const supported = [...types].sort().map((name) => `"${name}"`).join(', ');
    return [{ reason: 'FieldValueNotSupported', field: `${path}.type`, message: `Unsupported value: ${JSON.stringify(type)}: supported values: ${supported}` }];
  }
  if (schema['x-kubernetes-int-or-string'] === true) return [invalid(`${path}.type`, type, 'must be empty if x-kubernetes-int-or-string is true')];
  if (type === 'array' && !schema.items) return [required(`${path}.items`, 'must be specified')];
  if (type !== 'object' && schema['x-kubernetes-embedded-resource'] === true) return [invalid(`${path}.type`, type, 'must be object if x-kubernetes-embedded-resource is true')];
  return [];
}

function checkLists(schema: JsonSchema, path: string): StatusCause[] {
  const listType = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  if (listType !== undefined && schema.type !== 'array') return [invalid(`${path}.type`, schema.type ?? '', 'must be array if x-kubernetes-list-type is specified')];
  if (listType !== 'map') return keys.length === 0 ? [] : [invalid(`${path}.x-kubernetes-list-type`, listType ?? '', 'must be map if x-kubernetes-list-map-keys is non-empty')];
  if (keys.length === 0) return [required(`${path}.x-kubernetes-list-map-keys`, 'must not be empty if x-kubernetes-list-type is map')];
  return keys.flatMap((key) => {
    const of = schema.items?.properties?.[key];
    if (!of) return [invalid(`${path}.x-kubernetes-list-map-keys`, key, 'entries must all be names of item properties')];
    if (of.default !== undefined || schema.items?.required?.includes(key) === true) return [];
    return [required(`${path}.items.properties[${key}].default`, 'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property')];
  });
}

function checkDefault(schema: JsonSchema, path: string): StatusCause[] {
  const { default: value } = schema;
  if (value === undefined) return [];
  const at = `${path}.default`;
  const copy = structuredClone(value);
  const unknown: string[] = [];
  prune(copy, schema, schema['x-kubernetes-embedded-resource'] === true, '', unknown);
  if (unknown.length > 0) return [invalid(at, value, `must not have unknown fields (${unknown.join(', ')})`)];
  dropNulls(copy, schema, true);
  return checkValue(copy, schema, at);
}

/** `allOf`, `anyOf`, `oneOf` and `not` may check what is described beside them, and describe nothing. */
function checkBranches(branches: JsonSchema, described: JsonSchema, path: string): StatusCause[] {
  const named = (['allOf', 'anyOf', 'oneOf'] as const).flatMap((word) => (branches[word] ?? []).map((schema, at) => ({ schema, at: `${path}.${word}[${at}]` })));
  if (branches.not) named.push({ schema: branches.not, at: `${path}.not` });
  return named.flatMap(({ schema, at }) => checkBranch(schema, described, at));
}

function checkBranch(schema: JsonSchema, described: JsonSchema, path: string): StatusCause[] {
  const causes = checkPattern(schema, path);
  for (const word of structureWords) {
    if (!(word in schema)) continue;
    // The one form in which a field that is a number or a text may say so itself.
    if (word === 'type' && described['x-kubernetes-int-or-string'] === true) continue;
    causes.push(forbidden(`${path}.${word}`, 'must be empty to be structural'));
  }
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const at = `${path}.properties[${name}]`;
    const of = described.properties?.[name] ?? valuesOf(described);
    const beside = of ?? (described['x-kubernetes-preserve-unknown-fields'] === true ? {} : undefined);
    if (beside) causes.push(...checkBranch(field, beside, at));
    else causes.push(required(path.replace(/\.(allOf|anyOf|oneOf|not)\b.*$/, `.properties[${name}]`), `because it is defined in ${at}`));
  }
  if (schema.items) causes.push(...checkBranch(schema.items, described.items ?? {}, `${path}.items`));
  return [...causes, ...checkBranches(schema, described, path)];
}

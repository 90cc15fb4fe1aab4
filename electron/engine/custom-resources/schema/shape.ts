/** How values of a structural schema are merged and owned: its list and map types. */
import { deduced, type Shape } from '../../api/ownership/shape.ts';
import { fieldSchema, type JsonSchema } from './json-schema.ts';

const known = new WeakMap<JsonSchema, Shape>();

export function shapeOfJsonSchema(schema: JsonSchema | undefined): Shape {
  if (!schema) return deduced;
  const found = known.get(schema) ?? make(schema);
  known.set(schema, found);
  return found;
}

function make(schema: JsonSchema): Shape {
  const type = schema['x-kubernetes-list-type'];
  const keys = type === 'map' ? (schema['x-kubernetes-list-map-keys'] ?? []) : undefined;
  return {
    ...(schema['x-kubernetes-map-type'] === 'atomic' ? { atomic: true } : {}),
    ...(keys === undefined ? {} : { keys, keyDefaults: defaultsOf(keys, schema.items) }),
    ...(type === 'set' ? { set: true } : {}),
    items: () => shapeOfJsonSchema(schema.items),
    field: (name) => shapeOfJsonSchema(fieldSchema(schema, name)),
    isFixed: (name) => Object.hasOwn(schema.properties ?? {}, name),
  };
}

const defaultsOf = (keys: readonly string[], items: JsonSchema | undefined): Record<string, unknown> =>
  Object.fromEntries(keys.flatMap((key) => {
    const value = items?.properties?.[key]?.default;
    return value === undefined ? [] : [[key, value]];
  }));

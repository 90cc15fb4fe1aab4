/** Schemas as OpenAPI v3 writes them. */
import type { ArraySchema, Schema } from '../schema.ts';

export function openApiSchema(schema: Schema): Record<string, unknown> {
  const words = [schema.description, schema.unsupported === undefined ? undefined : `Not supported here: ${schema.unsupported}`];
  const description = words.filter((text) => text !== undefined).join(' ');
  return { ...(description === '' ? {} : { description }), ...shapeOf(schema) };
}

function shapeOf(schema: Schema): Record<string, unknown> {
  switch (schema.type) {
    case 'object':
      return {
        type: 'object',
        properties: Object.fromEntries(Object.entries(schema.properties).map(([key, value]) => [key, openApiSchema(value)])),
        ...(schema.required ? { required: schema.required } : {}),
      };
    case 'map':
      return { type: 'object', additionalProperties: openApiSchema(schema.values) };
    case 'array':
      return {
        type: 'array',
        items: openApiSchema(schema.items),
        ...mergeMarks(schema),
      };
    case 'any':
      return { 'x-kubernetes-preserve-unknown-fields': true };
    case 'quantity':
      return { type: 'string' };
    case 'intOrString':
      return { type: 'string', format: 'int-or-string' };
    case 'time':
      return { type: 'string', format: 'date-time' };
    default: {
      const { type, enum: values, pattern, minimum, maximum } = schema;
      const limits = { enum: values, pattern, minimum, maximum };
      return { type, ...Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined)) };
    }
  }
}

/** How lists are merged. Source: Kubernetes' API conventions, "merge strategy". */
function mergeMarks({ mergeKey, set }: ArraySchema): Record<string, unknown> {
  if (set === true) return { 'x-kubernetes-list-type': 'set', 'x-kubernetes-patch-strategy': 'merge' };
  if (mergeKey === undefined) return {};
  return {
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': [mergeKey],
    'x-kubernetes-patch-merge-key': mergeKey,
    'x-kubernetes-patch-strategy': 'merge',
  };
}

/** Words that OpenAPI v2 does not know, or that its clients stumble over; Kubernetes leaves them out, too. */
const version3Words = new Set(['nullable', 'oneOf', 'anyOf', 'allOf', 'not', 'default']);

/** A schema of OpenAPI v3 as v2 can say it. */
export function withoutVersion3(schema: Record<string, unknown>): Record<string, unknown> {
  const kept = Object.entries(schema).filter(([word]) => !version3Words.has(word));
  return Object.fromEntries(kept.map(([word, value]) => [word, word === 'properties' ? eachSchema(value) : inner(value)]));
}

const eachSchema = (schemas: unknown): unknown =>
  Object.fromEntries(Object.entries(schemas as Record<string, unknown>).map(([name, schema]) => [name, inner(schema)]));

const inner = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? withoutVersion3(value as Record<string, unknown>) : value;

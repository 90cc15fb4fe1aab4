/** Schemas as OpenAPI v3 writes them. */
import type { Schema } from '../schema.ts';

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
        ...(schema.mergeKey === undefined
          ? {}
          : {
              'x-kubernetes-list-type': 'map',
              'x-kubernetes-list-map-keys': [schema.mergeKey],
              'x-kubernetes-patch-merge-key': schema.mergeKey,
              'x-kubernetes-patch-strategy': 'merge',
            }),
      };
    case 'any':
      return { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
    case 'quantity':
      return { type: 'string' };
    case 'intOrString':
      return { 'x-kubernetes-int-or-string': true };
    case 'time':
      return { type: 'string', format: 'date-time' };
    default: {
      const { type, enum: values, pattern, minimum, maximum } = schema;
      const limits = { enum: values, pattern, minimum, maximum };
      return { type, ...Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined)) };
    }
  }
}

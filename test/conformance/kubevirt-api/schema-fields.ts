/** Every field of a kind, as its schema tells them, with a value to try each with. */
import type { AnyDefinition } from '../../../electron/engine/api/definition.ts';
import type { ScalarSchema, Schema } from '../../../electron/engine/api/schema.ts';

export interface Field {
  /** Steps from the object's root; a list's items are the step `0`. */
  steps: readonly (string | 0)[];
  /** Why the engine refuses it; absent when it is honoured. */
  refused: string | undefined;
  /** Something that the schema takes. */
  sample: unknown;
}

/** `spec.template.spec.volumes[].name` */
export const written = ({ steps }: Field): string =>
  steps.reduce<string>((path, step) => (step === 0 ? `${path}[]` : path === '' ? step : `${path}.${step}`), '');

/** All fields below `spec` (and beside it, for kinds that have none), the refused ones by their outermost step only. */
export function fieldsOf(definition: AnyDefinition): Field[] {
  return Object.entries(definition.schema.properties)
    .filter(([name]) => name !== 'status')
    .flatMap(([name, child]) => below(child, [name]));
}

function below(schema: Schema, steps: readonly (string | 0)[]): Field[] {
  const here: Field = { steps, refused: schema.unsupported, sample: sampleOf(schema) };
  if (schema.unsupported !== undefined) return [here];
  switch (schema.type) {
    case 'object': {
      const children = Object.entries(schema.properties).flatMap(([name, child]) => below(child, [...steps, name]));
      return children.length === 0 ? [here] : children;
    }
    case 'array':
      return schema.items.type === 'object' ? below(schema.items, [...steps, 0]) : [here];
    default:
      return [here];
  }
}

/** Texts that between them match the patterns that schemas have. */
const texts = ['sample', '52:54:00:12:34:56', 'q35', '01234567-89ab-cdef-0123-456789abcdef', '10.0.0.0/24', '1', 'sha256:00', '2026-01-01T00:00:00Z'];

export function sampleOf(schema: Schema): unknown {
  switch (schema.type) {
    case 'object':
      return Object.fromEntries((schema.required ?? []).map((name) => [name, sampleOf(schema.properties[name] ?? { type: 'any' })]));
    case 'map':
      return { sample: sampleOf(schema.values) };
    case 'array':
      return [sampleOf(schema.items)];
    case 'any':
      return {};
    default:
      return sampleOfScalar(schema);
  }
}

function sampleOfScalar(schema: ScalarSchema): unknown {
  if (schema.enum) return schema.enum[0];
  switch (schema.type) {
    case 'boolean':
      return true;
    case 'integer':
    case 'number':
    case 'intOrString':
      return schema.minimum ?? 1;
    case 'quantity':
      return '1Gi';
    case 'time':
      return '2026-01-01T00:00:00Z';
    case 'string': {
      const { pattern } = schema;
      return pattern === undefined ? texts[0] : texts.find((text) => new RegExp(`^(?:${pattern})$`).test(text));
    }
  }
}

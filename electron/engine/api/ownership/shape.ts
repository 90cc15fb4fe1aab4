/**
 * How values of a kind are merged and owned: which maps and lists are taken as a whole, and what tells the elements of
 * a list apart. Source: Kubernetes' server-side apply, "merge strategy".
 */
import type { AnyDefinition } from '../definition.ts';
import type { Schema } from '../schema.ts';
import { metadataSchema } from '../schema-checks/metadata-schema.ts';

export interface Shape {
  /** A map that is owned and replaced as a whole. */
  atomic?: boolean;
  /** Fields that together tell the elements of a list apart. A list with neither keys nor `set` is one value. */
  keys?: readonly string[];
  /** A list of scalars, each at most once. */
  set?: boolean;
  /** What a key that an element lacks stands for. */
  keyDefaults?: Readonly<Record<string, unknown>>;
  items(): Shape;
  field(name: string): Shape;
  /** Whether the field is one of a fixed number, as of a struct; what is not is an entry, which somebody brought. */
  isFixed(name: string): boolean;
}

/** Of values that no schema describes: maps are merged, lists are not. */
export const deduced: Shape = { items: () => deduced, field: () => deduced, isFixed: () => false };

const known = new WeakMap<Schema, Shape>();

/** Shapes are made when somebody looks, and kept as long as their schema. */
export function shapeOfSchema(schema: Schema): Shape {
  const found = known.get(schema) ?? make(schema);
  known.set(schema, found);
  return found;
}

function make(schema: Schema): Shape {
  switch (schema.type) {
    case 'object':
      return {
        ...deduced,
        field: (name) => shapeOfField(schema.properties, name),
        isFixed: (name) => Object.hasOwn(schema.properties, name),
      };
    case 'map':
      return { ...deduced, field: () => shapeOfSchema(schema.values) };
    case 'array':
      return {
        ...deduced,
        items: () => shapeOfSchema(schema.items),
        ...(schema.mergeKey === undefined ? {} : { keys: [schema.mergeKey] }),
        ...(schema.set === true ? { set: true } : {}),
      };
    default:
      return deduced;
  }
}

function shapeOfField(properties: Readonly<Record<string, Schema>>, name: string): Shape {
  const schema = Object.hasOwn(properties, name) ? properties[name] : undefined;
  return schema ? shapeOfSchema(schema) : deduced;
}

/** Of whole objects of a kind. */
export function shapeOf({ schema, custom }: Pick<AnyDefinition, 'schema' | 'custom'>): Shape {
  const content = custom?.shape ?? shapeOfSchema(schema);
  const metadata = shapeOfSchema(metadataSchema);
  return {
    ...deduced,
    field: (name) => (name === 'metadata' ? metadata : content.field(name)),
    isFixed: (name) => name === 'metadata' || content.isFixed(name),
  };
}

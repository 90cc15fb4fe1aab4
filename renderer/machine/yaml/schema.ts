/** An OpenAPI v3 schema, walked along the paths of a YAML document. Pure. */
import { without } from './without.ts';

export interface Schema {
  $ref?: string;
  allOf?: Schema[];
  type?: string;
  format?: string;
  description?: string;
  enum?: unknown[];
  default?: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: Schema | boolean;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-int-or-string'?: boolean;
}

/** A step into an object by its key, or into a list by its place. */
export type Path = readonly (string | number)[];

const prefix = '#/components/schemas/';

export class KindSchema {
  readonly #schemas: Record<string, Schema>;
  readonly root: Schema;

  /** @param root name of the kind's schema among them */
  constructor(root: string, schemas: Record<string, Schema>) {
    this.#schemas = schemas;
    this.root = this.resolve(schemas[root] ?? {});
  }

  /** References followed; a description beside one is kept, as it says more of this very place. */
  resolve(schema: Schema, depth = 0): Schema {
    const target = schema.$ref ?? schema.allOf?.[0]?.$ref;
    if (target === undefined || depth > 8) return schema;
    const own = without({ ...schema }, '$ref', 'allOf');
    return { ...this.resolve(this.#schemas[target.slice(prefix.length)] ?? {}, depth + 1), ...own };
  }

  /** @returns undefined where the schema says nothing */
  at(path: Path): Schema | undefined {
    let schema: Schema | undefined = this.root;
    for (const step of path) {
      if (!schema) return undefined;
      const next: Schema | undefined =
        typeof step === 'number' ? schema.items : (schema.properties?.[step] ?? (typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined));
      schema = next && this.resolve(next);
    }
    return schema;
  }
}

/** A schema's type in few words: `string`, `list of object`, `integer`. */
export function typeWords(schema: Schema): string {
  if (schema['x-kubernetes-int-or-string'] || schema.format === 'int-or-string') return 'number or text';
  if (schema.enum) return schema.enum.map(String).join(' | ');
  if (schema.type === 'array') return `list of ${schema.items?.type ?? 'objects'}`;
  return schema.type ?? 'object';
}

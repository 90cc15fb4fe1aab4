/** One kind's schema out of an OpenAPI v3 document, with all that it refers to and nothing else. */
import { HayloftError } from '#shared/contract/errors.ts';

type Schema = Record<string, unknown>;

export interface OpenApiDocument {
  components?: { schemas?: Record<string, Schema> };
}

interface GroupVersionKind {
  group: string;
  version: string;
  kind: string;
}

const prefix = '#/components/schemas/';

/** @throws HayloftError `unsupported` when the document does not have the kind */
export function kindSchema(document: OpenApiDocument, wanted: GroupVersionKind): { root: string; schemas: Record<string, Schema> } {
  const all = document.components?.schemas ?? {};
  const root = Object.keys(all).find((name) => {
    const kinds = all[name]?.['x-kubernetes-group-version-kind'] as GroupVersionKind[] | undefined;
    return kinds?.some(({ group, version, kind }) => group === wanted.group && version === wanted.version && kind === wanted.kind);
  });
  if (root === undefined) throw new HayloftError('unsupported', `This cluster does not describe ${wanted.kind}.`);
  const schemas: Record<string, Schema> = {};
  const take = (name: string): void => {
    const schema = all[name];
    if (!schema || name in schemas) return;
    schemas[name] = schema;
    for (const other of references(schema)) take(other);
  };
  take(root);
  return { root, schemas };
}

function references(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    key === '$ref' && typeof item === 'string' && item.startsWith(prefix) ? [item.slice(prefix.length)] : references(item),
  );
}

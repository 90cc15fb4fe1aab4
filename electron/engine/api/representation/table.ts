/** `meta.k8s.io/v1` Tables: what `kubectl get` prints. */
import type { KubeList, KubeObject } from '#shared/kube/object.ts';
import type { AnyDefinition, Column } from '../definition.ts';
import { badRequest } from '../errors.ts';
import { age } from './duration.ts';
import { metadataOnly } from './partial-metadata.ts';

export type IncludeObject = 'None' | 'Metadata' | 'Object';

interface TableRow {
  cells: unknown[];
  object?: unknown;
}

export interface Table {
  kind: 'Table';
  apiVersion: 'meta.k8s.io/v1';
  metadata: Record<string, unknown>;
  columnDefinitions: unknown[];
  rows: TableRow[];
}

export interface TableOptions {
  includeObject: IncludeObject;
  /** Later events of a watch leave the headers out. */
  headers?: boolean;
  now?: number;
}

const nameColumn: Column<KubeObject> = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name of the object, unique in its namespace.',
  value: ({ metadata }) => metadata.name,
};
const ageColumn: Column<KubeObject> = {
  name: 'Age',
  type: 'date',
  description: 'How long ago the object was created.',
  value: ({ metadata }) => metadata.creationTimestamp,
};

/** The name comes first, unless the definition has it elsewhere. */
function columnsOf(definition: AnyDefinition): readonly Column<KubeObject>[] {
  const own = (definition.columns as readonly Column<KubeObject>[] | undefined) ?? [ageColumn];
  return own.some(({ name }) => name === nameColumn.name) ? own : [nameColumn, ...own];
}

export function tableOf(
  definition: AnyDefinition,
  objects: readonly KubeObject[],
  metadata: KubeList['metadata'],
  { includeObject, headers = true, now = Date.now() }: TableOptions,
): Table {
  const columns = columnsOf(definition);
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { ...metadata },
    columnDefinitions: headers ? columns.map(headerOf) : [],
    rows: objects.map((object) => ({
      cells: columns.map((column) => cellOf(column, object, now)),
      ...objectOf(object, includeObject),
    })),
  };
}

const headerOf = ({ name, type, format, description, priority }: Column<KubeObject>): unknown => ({
  name,
  type,
  format: format ?? '',
  description: description ?? '',
  priority: priority ?? 0,
});

function cellOf(column: Column<KubeObject>, object: KubeObject, now: number): unknown {
  const value = column.value(object);
  if (column.type !== 'date') return value ?? null;
  return value === undefined || value === null || value === '' ? '<unknown>' : age(value, now);
}

function objectOf(object: KubeObject, include: IncludeObject): { object?: unknown } {
  if (include === 'None') return {};
  return { object: include === 'Object' ? object : metadataOnly(object) };
}

/** @throws ApiError 400 */
export function includeObjectOf(query: URLSearchParams): IncludeObject {
  const asked = query.get('includeObject') ?? '';
  if (asked === '') return 'Metadata';
  if (asked === 'None' || asked === 'Metadata' || asked === 'Object') return asked;
  throw badRequest(`includeObject=${asked} is not known; it can be None, Metadata or Object`);
}

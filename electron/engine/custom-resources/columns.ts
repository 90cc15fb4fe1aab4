/** `additionalPrinterColumns`, as kubectl shows them. */
import type { KubeObject } from '#shared/kube/object.ts';
import type { Column } from '../api/definition.ts';
import type { Json } from '../api/http/json.ts';
import type { CustomVersion, PrinterColumn } from './definition.ts';
import { jsonPath } from './json-path.ts';

/** Undefined: those of every kind. */
export function columnsOf({ additionalPrinterColumns: columns = [] }: CustomVersion): Column<KubeObject>[] | undefined {
  return columns.length === 0 ? undefined : columns.map(columnOf);
}

function columnOf({ name, type, format, description, priority, jsonPath: path }: PrinterColumn): Column<KubeObject> {
  const find = jsonPath(path);
  return {
    ...{ name, type },
    ...(format === undefined ? {} : { format }),
    ...(priority === undefined ? {} : { priority }),
    description: description ?? `Custom resource definition column (in JSONPath format): ${path}`,
    value: (object) => cellOf(type, find(object)[0]),
  };
}

function cellOf(type: PrinterColumn['type'], value: Json | undefined): string | number | boolean | null {
  if (value === undefined || value === null) return null;
  switch (type) {
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      return typeof value === 'string' ? value : null;
    case 'string':
      return typeof value === 'string' ? value : JSON.stringify(value);
  }
}

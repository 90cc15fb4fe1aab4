/** The columns of the list of machines: their words, widths, and what they are ordered by. */
import type { Machine } from '#shared/contract/machines.ts';

export const columnIds = [
  'status',
  'name',
  'namespace',
  'cluster',
  'node',
  'cores',
  'memory',
  'address',
  'labels',
  'uptime',
  'created',
] as const;
export type ColumnId = (typeof columnIds)[number];

export interface Column {
  id: ColumnId;
  label: string;
  /** In pixels. The name takes what is left, and never less than its own width. */
  width: number;
  /** Numbers stand at the right. */
  number?: boolean;
  /** What rows are ordered by: texts by their characters, so numbers within them are padded. */
  value: (machine: Machine) => string | number;
}

/** Digits within names count as numbers: web-2 comes before web-10. */
export function natural(text: string): string {
  return text.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(12, '0'));
}

const column = (id: ColumnId, label: string, width: number, value: Column['value'], number = false): Column => ({ id, label, width, value, ...(number ? { number } : {}) });

/** In the order in which they stand. */
export const columns: readonly Column[] = [
  column('status', 'Status', 176, ({ status }) => natural(status)),
  column('name', 'Name', 180, ({ name }) => natural(name)),
  column('namespace', 'Namespace', 130, ({ namespace }) => natural(namespace)),
  column('cluster', 'Cluster', 130, ({ clusterId }) => natural(clusterId)),
  column('node', 'Node', 130, ({ node }) => natural(node ?? '')),
  column('cores', 'CPU', 64, ({ cores }) => cores, true),
  column('memory', 'Memory', 92, ({ memoryBytes }) => memoryBytes, true),
  column('address', 'Address', 132, ({ addresses }) => natural(addresses[0] ?? '')),
  column('labels', 'Labels', 200, ({ labels }) => natural(labelTexts(labels).join(' '))),
  // Those that are off come before the one that has just begun.
  column('uptime', 'Uptime', 96, ({ started }) => (started === undefined ? -Infinity : -started), true),
  column('created', 'Created', 110, ({ created }) => -created, true),
];

export const defaultColumns: readonly ColumnId[] = ['status', 'name', 'cores', 'memory', 'address', 'uptime', 'created'];

/** Dropped one after the other where the list is too narrow; status and name stay. */
const leastWanted: readonly ColumnId[] = ['created', 'labels', 'uptime', 'address', 'cluster', 'namespace', 'node', 'memory', 'cores'];

export function columnOf(id: ColumnId): Column {
  const found = columns.find((candidate) => candidate.id === id);
  if (!found) throw new RangeError(`There is no column ${id}`);
  return found;
}

/** @param width what there is for columns, in pixels */
export function columnsThatFit(wanted: readonly ColumnId[], width: number): Column[] {
  let shown = columns.filter(({ id }) => wanted.includes(id) || id === 'name');
  for (const id of leastWanted) {
    if (shown.reduce((sum, item) => sum + item.width, 0) <= width) break;
    shown = shown.filter((item) => item.id !== id);
  }
  return shown;
}

/** Labels as `key=value`, in the order of their keys. */
export function labelTexts(labels: Readonly<Record<string, string>>): string[] {
  return Object.keys(labels)
    .sort()
    .map((key) => `${key}=${labels[key] ?? ''}`);
}

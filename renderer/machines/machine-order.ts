/** Finding and ordering machines in the list. */
import type { Machine } from '#shared/contract/machines.ts';

export const sortColumns = ['status', 'name', 'cores', 'memory', 'address', 'uptime', 'created'] as const;
export type SortColumn = (typeof sortColumns)[number];
export interface Sorting {
  column: SortColumn;
  descending: boolean;
}

const collator = new Intl.Collator('en', { numeric: true });

/** Numbers within names and addresses count as numbers: web-2 comes before web-10. */
const compare: Record<SortColumn, (a: Machine, b: Machine) => number> = {
  status: (a, b) => collator.compare(a.status, b.status),
  name: (a, b) => collator.compare(a.name, b.name),
  cores: (a, b) => a.cores - b.cores,
  memory: (a, b) => a.memoryBytes - b.memoryBytes,
  address: (a, b) => collator.compare(a.addresses[0] ?? '', b.addresses[0] ?? ''),
  uptime: (a, b) => (b.started ?? Infinity) - (a.started ?? Infinity) || 0,
  created: (a, b) => b.created - a.created,
};

/** Those whose name, status, reason, node or address holds every word of the search. */
export function findMachines(machines: readonly Machine[], search: string): Machine[] {
  const words = search.toLowerCase().split(/\s+/).filter((word) => word !== '');
  return machines.filter((machine) => {
    const text = [machine.name, machine.status, machine.reason, machine.node, ...machine.addresses].join(' ').toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** Those alike in the column stay ordered by name, so that rows do not jump about. */
export function sortMachines(machines: readonly Machine[], { column, descending }: Sorting): Machine[] {
  const direction = descending ? -1 : 1;
  return [...machines].sort(
    (a, b) => direction * compare[column](a, b) || compare.name(a, b) || collator.compare(a.key, b.key),
  );
}

/** Which machines are shown: by words, and by what they are. */
import type { Machine } from '#shared/contract/machines.ts';
import { labelTexts, natural } from './columns.ts';

export const facets = ['status', 'node', 'namespace', 'cluster', 'label'] as const;
export type Facet = (typeof facets)[number];

export interface Filter {
  facet: Facet;
  /** A label is `key=value`; a key alone means that it has any value. */
  value: string;
}

export const facetWords: Record<Facet, string> = {
  status: 'Status',
  node: 'Node',
  namespace: 'Namespace',
  cluster: 'Cluster',
  label: 'Label',
};

/** The node of a machine that runs on none. */
export const noNode = '';

/** What a machine has of a facet. */
export function facetValues(machine: Machine, facet: Facet): string[] {
  switch (facet) {
    case 'status':
      return [machine.status];
    case 'node':
      return [machine.node ?? noNode];
    case 'namespace':
      return [machine.namespace];
    case 'cluster':
      return [machine.clusterId];
    case 'label':
      return labelTexts(machine.labels);
  }
}

/** Filters of one facet are alternatives; those of different facets must all hold. */
export function matchesFilters(machine: Machine, filters: readonly Filter[]): boolean {
  return facets.every((facet) => {
    const asked = filters.filter((filter) => filter.facet === facet);
    return asked.length === 0 || asked.some(({ value }) => has(machine, facet, value));
  });
}

function has(machine: Machine, facet: Facet, value: string): boolean {
  if (facet !== 'label') return facetValues(machine, facet)[0] === value;
  const at = value.indexOf('=');
  return at === -1 ? value in machine.labels : machine.labels[value.slice(0, at)] === value.slice(at + 1);
}

/** All that a search looks at, in one text. */
export function searchText(machine: Machine): string {
  const { name, namespace, status, reason, node, addresses, labels } = machine;
  return [name, namespace, status, reason, node, ...addresses, ...labelTexts(labels)].join(' ').toLowerCase();
}

export function searchWords(search: string): string[] {
  return search.toLowerCase().split(/\s+/).filter((word) => word !== '');
}

export interface FacetValue extends Filter {
  /** How many machines have it. */
  count: number;
}

/** What can be filtered by, with how many machines have each, in the order of the facets and their values. */
export function facetCounts(machines: Iterable<Machine>): FacetValue[] {
  const counts = new Map<Facet, Map<string, number>>(facets.map((facet) => [facet, new Map<string, number>()]));
  for (const machine of machines) {
    for (const [facet, values] of counts) {
      for (const value of facetValues(machine, facet)) values.set(value, (values.get(value) ?? 0) + 1);
    }
  }
  return [...counts].flatMap(([facet, values]) =>
    [...values].map(([value, count]) => ({ facet, value, count })).sort((a, b) => (natural(a.value) < natural(b.value) ? -1 : 1)),
  );
}

export function sameFilter(a: Filter, b: Filter): boolean {
  return a.facet === b.facet && a.value === b.value;
}

/** With the filter, or without it where it was there. */
export function toggleFilter(filters: readonly Filter[], filter: Filter): Filter[] {
  const others = filters.filter((other) => !sameFilter(other, filter));
  return others.length < filters.length ? others : [...filters, { facet: filter.facet, value: filter.value }];
}

/** How filters and groups are said. */
import { facetWords, noNode, type Filter } from './filters.ts';
import type { Grouping } from './list-state.ts';

/** The heading of a group. */
export function groupWords(grouping: Grouping, value: string): string {
  return grouping === 'node' && value === noNode ? 'On no node' : value;
}

/** A filter's value. @param clusterNames by id */
export function filterValueWords({ facet, value }: Filter, clusterNames: ReadonlyMap<string, string>): string {
  if (facet === 'node' && value === noNode) return 'none';
  if (facet === 'cluster') return clusterNames.get(value) ?? value;
  return value;
}

/** A filter as its chip says it. */
export function filterWords(filter: Filter, clusterNames: ReadonlyMap<string, string>): string {
  return `${facetWords[filter.facet]}: ${filterValueWords(filter, clusterNames)}`;
}

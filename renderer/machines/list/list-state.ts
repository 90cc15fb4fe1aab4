/** How the list is looked at, as its address holds it: Back, links and saved views are all the same text. */
import { columnIds, defaultColumns, type ColumnId } from './columns.ts';
import { facets, type Filter } from './filters.ts';

export const groupings = ['none', 'node', 'namespace'] as const;
export type Grouping = (typeof groupings)[number];

export interface Sorting {
  column: ColumnId;
  descending: boolean;
}

export interface ListState {
  search: string;
  filters: readonly Filter[];
  sorting: Sorting;
  group: Grouping;
  columns: readonly ColumnId[];
}

export const defaultState: ListState = {
  search: '',
  filters: [],
  sorting: { column: 'name', descending: false },
  group: 'none',
  columns: defaultColumns,
};

/**
 * @param query of the address, without its `?`; what is not understood is left out
 * @param usualColumns where the address names none
 */
export function parseListState(query: string, usualColumns: readonly ColumnId[] = defaultColumns): ListState {
  const asked = new URLSearchParams(query);
  const sort = asked.get('sort') ?? defaultState.sorting.column;
  const column = known(columnIds, sort.replace(/^-/, ''));
  const chosen = asked.get('columns')?.split(',') ?? [];
  return {
    search: asked.get('search') ?? '',
    filters: facets.flatMap((facet) => asked.getAll(facet).map((value) => ({ facet, value }))),
    sorting: column === undefined ? defaultState.sorting : { column, descending: sort.startsWith('-') },
    group: known(groupings, asked.get('group') ?? 'none') ?? 'none',
    columns: chosen.length === 0 ? usualColumns : columnIds.filter((id) => chosen.includes(id)),
  };
}

/**
 * @param whole names the columns even where they are the default ones: for views that are kept
 * @returns the query, without `?`; empty for the list as it is by default. The same state gives the same text.
 */
export function formatListState(state: ListState, whole = false): string {
  const query = new URLSearchParams();
  // A space at its end stays: another word may follow.
  if (state.search.trim() !== '') query.set('search', state.search);
  for (const facet of facets) {
    const values = state.filters.filter((filter) => filter.facet === facet).map(({ value }) => value);
    for (const value of values.sort()) query.append(facet, value);
  }
  const { column, descending } = state.sorting;
  if (descending || column !== defaultState.sorting.column) query.set('sort', `${descending ? '-' : ''}${column}`);
  if (state.group !== 'none') query.set('group', state.group);
  const chosen = columnIds.filter((id) => state.columns.includes(id));
  if (whole || chosen.join() !== defaultColumns.join()) query.set('columns', chosen.join());
  return query.toString();
}

function known<T extends string>(list: readonly T[], value: string): T | undefined {
  return list.find((item) => item === value);
}

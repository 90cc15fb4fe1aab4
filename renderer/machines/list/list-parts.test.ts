import { describe, expect, it } from 'vitest';
import { columnsThatFit, defaultColumns } from './columns.ts';
import { facetCounts, matchesFilters, toggleFilter, type Filter } from './filters.ts';
import { lineId, Lines } from './lines.ts';
import { defaultState, formatListState, parseListState, type ListState } from './list-state.ts';
import { sampleMachine } from './sample-machine.ts';
import { nothingSelected, selectAll, selectOnly, selectTo, toggle } from './selection.ts';

describe('filters', () => {
  const machine = sampleMachine('web', { status: 'Running', node: 'node-1', labels: { app: 'shop', team: '' } });
  const holds = (...filters: Filter[]): boolean => matchesFilters(machine, filters);

  it('of one facet are alternatives, those of different ones hold together', () => {
    expect(holds({ facet: 'status', value: 'Stopped' }, { facet: 'status', value: 'Running' })).toBe(true);
    expect(holds({ facet: 'status', value: 'Running' }, { facet: 'node', value: 'node-2' })).toBe(false);
    expect(holds()).toBe(true);
  });

  it('know labels by key and value, and by key alone', () => {
    expect(holds({ facet: 'label', value: 'app=shop' })).toBe(true);
    expect(holds({ facet: 'label', value: 'app=sho' })).toBe(false);
    expect(holds({ facet: 'label', value: 'team' })).toBe(true);
    expect(holds({ facet: 'label', value: 'team=' })).toBe(true);
    expect(holds({ facet: 'label', value: 'shop' })).toBe(false);
  });

  it('are offered with how many machines have each', () => {
    const offered = facetCounts([machine, sampleMachine('db')]);
    expect(offered).toContainEqual({ facet: 'status', value: 'Running', count: 1 });
    expect(offered).toContainEqual({ facet: 'namespace', value: 'default', count: 2 });
    expect(offered).toContainEqual({ facet: 'node', value: '', count: 1 });
    expect(offered.filter(({ facet }) => facet === 'label')).toHaveLength(2);
  });

  it('go when they are chosen again', () => {
    const filter: Filter = { facet: 'node', value: 'a' };
    expect(toggleFilter(toggleFilter([], filter), { ...filter })).toEqual([]);
  });
});

describe('the list’s address', () => {
  it('holds all of its state, and nothing where all is as usual', () => {
    const state: ListState = {
      search: 'a & b=c',
      filters: [
        { facet: 'status', value: 'Running' },
        { facet: 'label', value: 'app=web,1' },
      ],
      sorting: { column: 'memory', descending: true },
      group: 'node',
      columns: ['status', 'name', 'labels'],
    };
    expect(parseListState(formatListState(state))).toEqual(state);
    expect(formatListState(defaultState)).toBe('');
    expect(parseListState(formatListState({ ...defaultState, search: 'web ' })).search).toBe('web ');
    expect(parseListState('')).toEqual(defaultState);
  });

  it('leaves out what it does not know', () => {
    expect(parseListState('sort=colour&group=planet&columns=name,colour&x=1')).toEqual({ ...defaultState, columns: ['name'] });
  });
});

describe('lines', () => {
  const machines = ['a', 'b', 'c'].map((name) => sampleMachine(name, { node: name === 'c' ? 'two' : 'one' }));
  const texts = (lines: Lines): string[] => Array.from({ length: lines.length + 1 }, (_, at) => {
    const line = lines.at(at);
    return line ? lineId(line) : 'end';
  });

  it('are the machines themselves without groups', () => {
    const lines = new Lines(machines, 'none', new Set());
    expect(texts(lines)).toEqual(['local/default/a', 'local/default/b', 'local/default/c', 'end']);
    expect(lines.indexOf('local/default/b')).toBe(1);
  });

  it('have a heading for each group, and no machines beneath a closed one', () => {
    const lines = new Lines(machines, 'node', new Set());
    expect(texts(lines)).toEqual(['group:one', 'local/default/a', 'local/default/b', 'group:two', 'local/default/c', 'end']);
    expect(lines.groups.map(({ count }) => count)).toEqual([2, 1]);
    expect(['local/default/c', 'group:two', 'local/default/x'].map((id) => lines.indexOf(id))).toEqual([4, 3, -1]);
    const closed = new Lines(machines, 'node', new Set(['one']));
    expect(texts(closed)).toEqual(['group:one', 'group:two', 'local/default/c', 'end']);
    expect(closed.indexOf('local/default/a')).toBe(-1);
  });

  it('are none without machines', () => {
    expect(new Lines([], 'node', new Set()).length).toBe(0);
  });
});

describe('selection', () => {
  const order = ['a', 'b', 'c', 'd'];
  const keys = ({ keys: chosen }: { keys: ReadonlySet<string> }): string[] => [...chosen].sort();

  it('goes from the anchor to where somebody clicks with Shift, in both directions', () => {
    const begun = selectOnly('c');
    expect(keys(selectTo(begun, 'a', order))).toEqual(['a', 'b', 'c']);
    expect(keys(selectTo(selectTo(begun, 'a', order), 'd', order))).toEqual(['c', 'd']);
    expect(keys(selectTo(nothingSelected, 'b', order))).toEqual(['b']);
  });

  it('takes single rows in and out, and adds ranges to them', () => {
    const two = toggle(toggle(nothingSelected, 'a'), 'c');
    expect(keys(two)).toEqual(['a', 'c']);
    expect(keys(toggle(two, 'a'))).toEqual(['c']);
    expect(keys(selectTo(two, 'd', order, true))).toEqual(['a', 'c', 'd']);
    expect(keys(selectAll(order))).toEqual(order);
  });
});

it('drops the least wanted columns where there is little room, never status and name', () => {
  const ids = (width: number): string[] => columnsThatFit(defaultColumns, width).map(({ id }) => id);
  expect(ids(2000)).toEqual(defaultColumns);
  expect(ids(700)).not.toContain('created');
  expect(ids(100)).toEqual(['status', 'name']);
});

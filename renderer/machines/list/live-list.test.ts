import { describe, expect, it } from 'vitest';
import type { Machine } from '#shared/contract/machines.ts';
import type { ColumnId } from './columns.ts';
import { defaultState } from './list-state.ts';
import { LiveList, type Arrangement } from './live-list.ts';
import { sampleMachine } from './sample-machine.ts';

const names = (list: LiveList): string[] => list.shown().map(({ name }) => name);
const by = (column: ColumnId, descending = false): Arrangement => ({ ...defaultState, sorting: { column, descending } });

function listOf(machines: Machine[], arrangement: Arrangement = defaultState): LiveList {
  const list = new LiveList(arrangement);
  list.reset(machines);
  return list;
}

describe('the order', () => {
  it('reads numbers in names as numbers', () => {
    expect(names(listOf([sampleMachine('web-10'), sampleMachine('web-2')]))).toEqual(['web-2', 'web-10']);
  });

  it('keeps the order by name among equals, in both directions', () => {
    const machines = [sampleMachine('b'), sampleMachine('a'), sampleMachine('c', { cores: 4 })];
    expect(names(listOf(machines, by('cores')))).toEqual(['a', 'b', 'c']);
    expect(names(listOf(machines, by('cores', true)))).toEqual(['c', 'a', 'b']);
  });

  it('puts machines that are off before the shortest uptime', () => {
    const machines = [sampleMachine('long', { started: 1 }), sampleMachine('off'), sampleMachine('also-off'), sampleMachine('short', { started: 9 })];
    expect(names(listOf(machines, by('uptime')))).toEqual(['also-off', 'off', 'short', 'long']);
  });

  it('orders within groups, and the groups by their names', () => {
    const on = (name: string, node: string): Machine => sampleMachine(name, { node });
    const list = listOf([on('a', 'node-10'), on('b', 'node-2'), on('c', 'node-10'), sampleMachine('off')], { ...by('name', true), group: 'node' });
    expect(names(list)).toEqual(['off', 'b', 'c', 'a']);
  });
});

describe('changes', () => {
  it('move a row to its new place, take it in and take it out', () => {
    const list = listOf([sampleMachine('a'), sampleMachine('b'), sampleMachine('c')], by('cores'));
    list.apply([sampleMachine('a', { cores: 8 }), sampleMachine('d')], ['local/default/b']);
    expect(names(list)).toEqual(['c', 'd', 'a']);
    expect(list.total).toBe(3);
    expect(list.get('local/default/b')).toBeUndefined();
  });

  it('let a machine in and out as it comes to match', () => {
    const list = listOf([sampleMachine('a'), sampleMachine('b')], { ...defaultState, filters: [{ facet: 'status', value: 'Running' }] });
    expect(names(list)).toEqual([]);
    list.apply([sampleMachine('b', { status: 'Running' })], []);
    expect(names(list)).toEqual(['b']);
    list.apply([sampleMachine('b')], []);
    expect(names(list)).toEqual([]);
  });

  it('lead to the same list as ordering anew, whatever they are', () => {
    let seed = 7;
    const random = (below: number): number => (seed = (seed * 1103515245 + 12345) % 2 ** 31) % below;
    const make = (): Machine => sampleMachine(`m-${random(300)}`, { cores: random(4), status: random(2) === 0 ? 'Running' : 'Stopped', node: `n-${random(3)}` });
    for (const arrangement of [by('cores', true), { ...by('status'), search: 'running' }, { ...by('node'), group: 'node' as const }]) {
      const list = listOf(Array.from({ length: 100 }, make), arrangement);
      for (let batch = 0; batch < 60; batch++) {
        list.apply(Array.from({ length: random(9) }, make), [`local/default/m-${random(300)}`]);
        expect(names(list)).toEqual(names(listOf(list.all(), arrangement)));
      }
    }
  });

  it('of many machines at once are taken over, too', () => {
    const list = listOf([sampleMachine('x')]);
    list.apply(Array.from({ length: 1000 }, (_, at) => sampleMachine(`m-${at}`)), ['local/default/x']);
    expect(list.shown()).toHaveLength(1000);
    expect(names(list)[999]).toBe('m-999');
  });
});

describe('an order that is held', () => {
  it('keeps every row in its place and shows what it is now', () => {
    const list = listOf([sampleMachine('a'), sampleMachine('b'), sampleMachine('c')], by('cores'));
    list.hold();
    expect(list.waiting).toBe(false);
    list.apply([sampleMachine('a', { cores: 8 }), sampleMachine('d')], ['local/default/b']);
    expect(names(list)).toEqual(['a', 'b', 'c']);
    expect(list.shown()[0]?.cores).toBe(8);
    expect(list.waiting).toBe(true);
    list.release();
    expect(names(list)).toEqual(['c', 'd', 'a']);
    expect(list.waiting).toBe(false);
  });

  it('gives way to whoever sorts or searches', () => {
    const list = listOf([sampleMachine('a'), sampleMachine('b')]);
    list.hold();
    list.apply([sampleMachine('c')], []);
    list.arrange(by('name', true));
    expect(names(list)).toEqual(['c', 'b', 'a']);
    list.apply([sampleMachine('d')], []);
    expect(names(list)).toEqual(['c', 'b', 'a']);
  });
});

it('finds machines by every word, wherever it stands', () => {
  const machines = [sampleMachine('web', { addresses: ['10.0.2.15'] }), sampleMachine('db', { status: 'Running', labels: { app: 'shop' } })];
  const found = (search: string): string[] => names(listOf(machines, { ...defaultState, search }));
  expect(found(' 10.0 WEB')).toEqual(['web']);
  expect(found('running')).toEqual(['db']);
  expect(found('app=shop')).toEqual(['db']);
  expect(found('')).toEqual(['db', 'web']);
});

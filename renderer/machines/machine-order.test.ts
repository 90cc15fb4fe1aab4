import { describe, expect, it } from 'vitest';
import type { Machine } from '#shared/contract/machines.ts';
import { findMachines, sortMachines } from './machine-order.ts';

function machine(name: string, more: Partial<Machine> = {}): Machine {
  const no = { allowed: false };
  return {
    clusterId: 'local',
    namespace: 'default',
    name,
    key: `local/default/${name}`,
    uid: name,
    status: 'Stopped',
    tone: 'off',
    runStrategy: 'Manual',
    cores: 1,
    memoryBytes: 1,
    addresses: [],
    created: 0,
    emulated: false,
    hasGraphics: true,
    hasSerial: true,
    actions: { start: no, stop: no, forceOff: no, restart: no, pause: no, unpause: no },
    ...more,
  };
}

const names = (list: readonly Machine[]): string[] => list.map(({ name }) => name);

describe('sortMachines', () => {
  it('reads numbers in names as numbers', () => {
    const list = [machine('web-10'), machine('web-2')];
    expect(names(sortMachines(list, { column: 'name', descending: false }))).toEqual(['web-2', 'web-10']);
  });

  it('keeps the order by name among equals, in both directions', () => {
    const list = [machine('b'), machine('a'), machine('c', { cores: 4 })];
    expect(names(sortMachines(list, { column: 'cores', descending: false }))).toEqual(['a', 'b', 'c']);
    expect(names(sortMachines(list, { column: 'cores', descending: true }))).toEqual(['c', 'a', 'b']);
  });

  it('puts the shortest uptime first and machines that are off before all', () => {
    const list = [machine('long', { started: 1 }), machine('off'), machine('also-off'), machine('short', { started: 9 })];
    expect(names(sortMachines(list, { column: 'uptime', descending: false }))).toEqual(['also-off', 'off', 'short', 'long']);
  });
});

it('finds machines by every word, wherever it stands', () => {
  const list = [machine('web', { addresses: ['10.0.2.15'] }), machine('db', { status: 'Running' })];
  expect(names(findMachines(list, ' 10.0 WEB'))).toEqual(['web']);
  expect(names(findMachines(list, 'running'))).toEqual(['db']);
  expect(names(findMachines(list, ''))).toEqual(['web', 'db']);
});

import { expect, it } from 'vitest';
import type { MachineEvent } from '#shared/contract/machines.ts';
import { groupEvents } from './group-events.ts';

const event = (key: string, at: number, more: Partial<MachineEvent> = {}): MachineEvent => ({
  ...{ key, at, firstAt: at - 10, type: 'Normal', reason: 'Started', message: key, count: 1, about: 'VirtualMachineInstance' },
  ...more,
});

it('counts together what happened to the same object for the same reason, the last first', () => {
  const groups = groupEvents([event('a', 100), event('b', 300, { reason: 'Stopped' }), event('c', 400, { count: 3 })]);
  expect(groups.map(({ reason, count, at, firstAt, message }) => ({ reason, count, at, firstAt, message }))).toEqual([
    { reason: 'Started', count: 4, at: 400, firstAt: 90, message: 'c' },
    { reason: 'Stopped', count: 1, at: 300, firstAt: 290, message: 'b' },
  ]);
});

it('keeps apart warnings and other objects', () => {
  expect(groupEvents([event('a', 1), event('b', 2, { type: 'Warning' }), event('c', 3, { name: 'root' })])).toHaveLength(3);
});

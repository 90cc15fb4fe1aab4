import { expect, it, vi } from 'vitest';
import type { TopicListener } from '#shared/channel/types.ts';
import type { Machine } from '#shared/contract/machines.ts';
import { sampleMachine } from '../machines/list/sample-machine.ts';

vi.mock('./connection.svelte.ts', () => ({ connection: {} }));
const { MachineFeed } = await import('./machine-feed.ts');

function listener(): TopicListener<Machine> & { told: string[] } {
  const told: string[] = [];
  return {
    told,
    onSnapshot: (machines) => void told.push(`all: ${machines.map(({ name }) => name).join()}`),
    onChanges: (upserted, removed) => void told.push(`+${upserted.map(({ name }) => name).join()} -${removed.join()}`),
    onError: () => void told.push('error'),
  };
}

it('asks once for all who follow, tells newcomers what is known, and stops a while after the last is gone', () => {
  vi.useFakeTimers();
  let source: TopicListener<Machine> | undefined;
  let asked = 0;
  const feed = new MachineFeed((to) => {
    asked += 1;
    source = to;
    return () => (source = undefined);
  });
  const first = listener();
  const stopFirst = feed.follow(first);
  source?.onSnapshot([sampleMachine('a'), sampleMachine('b')]);
  source?.onChanges([sampleMachine('c')], ['local/default/a']);
  const second = listener();
  const stopSecond = feed.follow(second);
  expect(first.told).toEqual(['all: a,b', '+c -local/default/a']);
  expect(second.told).toEqual(['all: b,c']);
  stopFirst();
  stopSecond();
  vi.advanceTimersByTime(30_000);
  const third = listener();
  feed.follow(third)();
  expect(third.told).toEqual(['all: b,c']);
  expect(asked).toBe(1);
  vi.advanceTimersByTime(120_000);
  expect(source).toBeUndefined();
  feed.follow(listener());
  expect(asked).toBe(2);
  vi.useRealTimers();
});

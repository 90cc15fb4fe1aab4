import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createController, related, type Key, type ReconcileResult } from './controller.ts';
import { gadget, gadgets, quiet, rigStore, widget, widgets } from './store/store-rig.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

function start(reconcile: (key: Key) => ReconcileResult | Promise<ReconcileResult>): ReturnType<typeof rigStore> {
  const rig = rigStore();
  createController(
    { resources: rig.resources, log: quiet },
    { of: widgets, related: [related({ of: gadgets, keys: ({ object }) => [{ namespace: 'default', name: object.metadata.name ?? '' }] })], reconcile, concurrency: 2 },
  );
  return rig;
}

it.each([
  ['at once', () => { throw new Error('no'); }],
  ['later', () => Promise.reject(new Error('no'))],
])('tries again what fails %s, and holds up nobody else', async (_when, fail) => {
  const seen: string[] = [];
  let broken = true;
  const { resources } = start(({ name }) => {
    seen.push(name);
    if (broken && name !== 'well') return fail();
    return undefined;
  });
  for (const name of ['a', 'b', 'c']) resources.create(widgets, widget(name));
  await turns();
  resources.create(widgets, widget('well'));
  await turns();
  expect(seen).toEqual(['a', 'b', 'c', 'well']);
  broken = false;
  await vi.advanceTimersByTimeAsync(1000);
  await turns();
  expect(seen.toSorted()).toEqual(['a', 'a', 'b', 'b', 'c', 'c', 'well']);
});

it('looks at an object again when it changes while it is worked on, never twice at once', async () => {
  let active = 0;
  const gate = Promise.withResolvers<undefined>();
  const seen: number[] = [];
  const { resources } = start(async () => {
    active += 1;
    seen.push(active);
    await gate.promise;
    active -= 1;
    return undefined;
  });
  resources.create(widgets, widget('a'));
  await turns();
  resources.change(widgets, 'default', 'a', (draft) => (draft.metadata.labels = { changed: 'yes' }));
  await turns();
  expect(seen).toEqual([1]);
  gate.resolve(undefined);
  await turns();
  expect(seen).toEqual([1, 1]);
});

it('follows changes of others', async () => {
  const seen: string[] = [];
  const { resources } = start(({ name }) => void seen.push(name));
  resources.create(gadgets, gadget('a'));
  resources.change(gadgets, 'default', 'a', (draft) => (draft.metadata.labels = { changed: 'yes' }));
  await turns();
  await vi.advanceTimersByTimeAsync(10);
  await turns();
  // Two changes in a row are looked at once.
  expect(seen).toEqual(['a']);
});

it('looks again after the time that was asked for', async () => {
  let count = 0;
  const { resources } = start(() => {
    count += 1;
    return count < 3 ? { requeueAfterMs: 500 } : undefined;
  });
  resources.create(widgets, widget('a'));
  await turns();
  for (let round = 0; round < 5; round += 1) {
    await vi.advanceTimersByTimeAsync(500);
    await turns();
  }
  expect(count).toBe(3);
});

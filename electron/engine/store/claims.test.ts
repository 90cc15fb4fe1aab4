import { expect, it, onTestFinished, vi } from 'vitest';
import type { KubeObject } from '#shared/kube/object.ts';
import { rigStore, widget, widgets } from './store-rig.ts';

type Status = Record<string, unknown> | undefined;

const histories: [string, Status[]][] = [
  ['grows', [{ phase: 'a' }, { phase: 'a', node: 'n' }]],
  ['changes and shrinks', [{ phase: 'a', deep: { one: 1, two: 2 } }, { phase: 'b', deep: { two: 2 } }, { phase: 'b' }]],
  ['has lists and empty things', [{ list: [{ type: 'Ready', status: 'True' }], none: [], nothing: {} }, { list: [{ type: 'Ready', status: 'False' }, { type: 'Paused' }] }]],
  ['stays', [{ phase: 'a' }, { phase: 'a' }]],
  ['goes', [{ phase: 'a' }, undefined]],
];

it.each(histories)('of a status that %s are the same whether the engine writes it or somebody of its name', (_what, steps) => {
  // Entries stand in the order of their seconds.
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const { api } = rigStore();
  const write = (name: string, manager: string | undefined): KubeObject => {
    let stored = api.create(widgets, widget(name), { manager: 'kubectl' });
    for (const status of steps) {
      const draft: KubeObject & { status?: Status } = { ...stored, status };
      stored = api.update(widgets, draft, { subresource: 'status', ...(manager === undefined ? {} : { manager }) });
    }
    return stored;
  };
  const entries = (object: KubeObject): unknown =>
    object.metadata.managedFields?.map(({ manager, operation, apiVersion, subresource, fieldsV1 }) => ({ manager, operation, apiVersion, subresource, fieldsV1 }));
  expect(entries(write('a', undefined))).toEqual(entries(write('b', 'hayloft-engine')));
});

it('leaves to others what they have in a status', () => {
  const { api } = rigStore();
  const made = api.create(widgets, widget('a'));
  const theirs = api.update(widgets, { ...made, status: { theirs: 1 } } as KubeObject, { subresource: 'status', manager: 'other' });
  const both = api.update(widgets, { ...theirs, status: { theirs: 1, ours: 2 } } as KubeObject, { subresource: 'status' });
  const fields: unknown = Object.fromEntries((both.metadata.managedFields ?? []).filter(({ subresource }) => subresource === 'status').map(({ manager, fieldsV1 }) => [manager, fieldsV1]));
  expect(fields).toEqual({ other: { 'f:status': { '.': {}, 'f:theirs': {} } }, 'hayloft-engine': { 'f:status': { 'f:ours': {} } } });
});

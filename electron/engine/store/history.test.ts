import { copyFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { StoredChange } from './api-store.ts';
import { namespace, namespaces, refusal, rigStore, settled, widget, widgets, gadget, gadgets } from './store-rig.ts';

const brief = (change: StoredChange): string => `${change.type} ${change.object.metadata.name ?? ''} ${change.resourceVersion}`;

describe('watch', () => {
  it('replays from a revision and goes on without a gap or a repetition', async () => {
    const { api } = rigStore();
    const start = Number(api.resourceVersion);
    api.create(widgets, widget('a'));
    api.create(gadgets, gadget('not-asked-for'));
    api.update(widgets, widget('a', {}, 2));
    const seen: StoredChange[] = [];
    // Nothing was delivered yet: what waits must not come twice.
    const stop = api.watch(widgets, { since: String(start) }, (change) => seen.push(change));
    expect(seen.map(brief)).toEqual([`ADDED a ${start + 1}`, `MODIFIED a ${start + 3}`]);
    expect(seen[1]?.old).toMatchObject({ spec: { size: 1 } });
    api.delete(widgets, 'default', 'a');
    await settled();
    expect(seen.map(brief).slice(2)).toEqual([`DELETED a ${start + 4}`]);
    expect(seen[2]?.object.metadata.resourceVersion).toBe(String(start + 4));
    expect(seen[2]?.object).toMatchObject({ spec: { size: 2 } });
    stop();
    api.create(widgets, widget('b'));
    await settled();
    expect(seen).toHaveLength(3);
  });

  it('keeps to its namespace', async () => {
    const { api } = rigStore();
    api.create(namespaces, namespace('other'));
    const since = api.resourceVersion;
    api.create(widgets, widget('before', { namespace: 'other' }));
    const seen: string[] = [];
    api.watch(widgets, { since, namespace: 'default' }, (change) => seen.push(change.object.metadata.name ?? ''));
    api.create(widgets, widget('a', { namespace: 'other' }));
    api.create(widgets, widget('b'));
    await settled();
    expect(seen).toEqual(['b']);
  });

  it('goes on after a restart', () => {
    const rig = rigStore();
    const since = rig.api.resourceVersion;
    rig.api.create(widgets, widget('a'));
    const again = rig.reopen();
    const seen: string[] = [];
    again.api.watch(widgets, { since }, (change) => seen.push(brief(change)));
    expect(seen).toEqual([`ADDED a ${Number(since) + 1}`]);
    expect(Number(again.api.create(widgets, widget('b')).metadata.resourceVersion)).toBe(Number(since) + 2);
  });

  it('gives no revision out twice where the disk did not have it when the power failed', () => {
    const rig = rigStore();
    const transient = { ...gadgets, transient: true } as const;
    const kept = rig.api.create(widgets, widget('kept'));
    const parts = ['', '-wal'].map((part) => `${rig.file}${part}`);
    for (const part of parts) copyFileSync(part, `${part}.kept`);
    const told = rig.api.create(transient, gadget('told')).metadata.resourceVersion ?? '';
    const again = rig.reopen({
      boot: 'second',
      powerFailed: () => {
        for (const part of parts) copyFileSync(`${part}.kept`, part);
      },
    });
    expect(again.api.get(gadgets, 'default', 'told')).toBeUndefined();
    expect(again.api.get(widgets, 'default', 'kept')).toEqual(kept);
    expect(refusal(() => again.api.watch(gadgets, { since: told }, () => undefined)).code).toBe(410);
    expect(Number(again.api.create(gadgets, gadget('next')).metadata.resourceVersion)).toBeGreaterThan(Number(told));
  });

  it('answers 410 for what is no longer kept, also after a restart, and for what never was', () => {
    const rig = rigStore({ revisions: 10, bytes: 1e9 });
    const since = rig.api.resourceVersion;
    for (let size = 0; size < 30; size += 1) rig.api.create(widgets, widget(`w${size}`));
    const watch = (store: typeof rig.api, from: string): (() => void) => store.watch(widgets, { since: from }, () => undefined);
    expect(refusal(() => watch(rig.api, since))).toMatchObject({ code: 410, reason: 'Expired' });
    expect(refusal(() => watch(rig.api, '999999')).code).toBe(410);
    expect(refusal(() => watch(rig.api, 'soon')).code).toBe(400);
    watch(rig.api, String(Number(rig.api.resourceVersion) - 3))();
    const again = rig.reopen();
    expect(refusal(() => watch(again.api, since)).code).toBe(410);
    expect(again.api.resourceVersion).toBe(String(Number(since) + 30));
  });

  it('bounds what it keeps by size, too', () => {
    const { api } = rigStore({ revisions: 1e6, bytes: 100_000 });
    const since = api.resourceVersion;
    const annotations = { big: 'x'.repeat(10_000) };
    for (let index = 0; index < 20; index += 1) api.create(widgets, widget(`w${index}`, { annotations }));
    expect(refusal(() => api.watch(widgets, { since }, () => undefined)).code).toBe(410);
  });

  it('lets listeners write, and keeps the order', async () => {
    const { api, resources } = rigStore();
    const seen: string[] = [];
    resources.subscribe(widgets, ({ object }) => {
      if (object.spec?.size === 1) resources.change(widgets, 'default', 'a', (draft) => { draft.spec = { size: 2 }; });
    });
    api.watch(widgets, { since: api.resourceVersion }, (change) => seen.push(change.type));
    api.create(widgets, widget('a'));
    expect(seen).toEqual([]);
    await settled();
    expect(seen).toEqual(['ADDED', 'MODIFIED']);
  });

  it('goes on when a listener fails', async () => {
    const { api, resources } = rigStore();
    let seen = 0;
    resources.subscribe(widgets, () => { throw new Error('broken'); });
    resources.subscribe(widgets, () => (seen += 1));
    api.create(widgets, widget('a'));
    await settled();
    expect(seen).toBe(1);
  });
});

describe('list', () => {
  const fill = (api: ReturnType<typeof rigStore>['api']): void => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) api.create(widgets, widget(name));
  };
  const names = (answer: { items: { metadata: { name?: string } }[] }): (string | undefined)[] =>
    answer.items.map(({ metadata }) => metadata.name);

  it('comes in pieces that show the first one’s moment', () => {
    const { api } = rigStore();
    fill(api);
    const first = api.list(widgets, { limit: 2 });
    expect(names(first)).toEqual(['a', 'b']);
    expect(first.remainingItemCount).toBe(3);
    api.delete(widgets, 'default', 'c');
    api.update(widgets, widget('d', {}, 2));
    api.create(widgets, widget('cc'));
    api.update(widgets, widget('cc', {}, 2));
    api.create(widgets, widget('0'));
    const second = api.list(widgets, { limit: 2, continue: first.continue ?? '' });
    expect(names(second)).toEqual(['c', 'd']);
    expect(second.items[1]).toMatchObject({ spec: { size: 1 } });
    expect(second.resourceVersion).toBe(first.resourceVersion);
    const third = api.list(widgets, { limit: 2, continue: second.continue ?? '' });
    expect(names(third)).toEqual(['e']);
    expect(third.continue).toBeUndefined();
    expect(names(api.list(widgets, {}))).toEqual(['0', 'a', 'b', 'cc', 'd', 'e']);
  });

  it('filters before it counts', () => {
    const { api } = rigStore();
    fill(api);
    const matches = ({ metadata }: { metadata: { name?: string } }): boolean => 'bde'.includes(metadata.name ?? '?');
    const first = api.list(widgets, { limit: 2, matches });
    expect(names(first)).toEqual(['b', 'd']);
    expect(names(api.list(widgets, { limit: 2, matches, continue: first.continue ?? '' }))).toEqual(['e']);
  });

  it('refuses a token that is too old or not ours', () => {
    const { api } = rigStore({ revisions: 10, bytes: 1e9 });
    fill(api);
    const token = api.list(widgets, { limit: 2 }).continue ?? '';
    for (let index = 0; index < 30; index += 1) api.create(widgets, widget(`w${index}`));
    expect(refusal(() => api.list(widgets, { continue: token }))).toMatchObject({ code: 410, reason: 'Expired' });
    for (const bad of ['x', Buffer.from('[1]').toString('base64url')]) {
      expect(refusal(() => api.list(widgets, { continue: bad })).code).toBe(400);
    }
  });
});

import { describe, expect, it } from 'vitest';
import type { ObjectMeta } from '#shared/kube/object.ts';
import { namespace, namespaces, refusal, rigStore, widget, widgets, gadget, gadgets } from './store-rig.ts';

describe('create', () => {
  it('fills in what the server owns, drops status and leaves its input alone', () => {
    const { api } = rigStore();
    const input = { ...widget('a'), status: { phase: 'Done' } };
    const created = api.create(widgets, input);
    expect(created.metadata).toMatchObject({ name: 'a', namespace: 'default', generation: 1 });
    expect(created.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(created.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(created.metadata.resourceVersion).toBe(api.resourceVersion);
    expect(created).not.toHaveProperty('status');
    expect(input.metadata).toEqual({ name: 'a', namespace: 'default' });
    expect(api.get(widgets, 'default', 'a')).toEqual(created);
  });

  it('makes names up from generateName', () => {
    const { api } = rigStore();
    const input = widget('', { generateName: 'upload-' });
    const names = [api.create(widgets, input), api.create(widgets, input)].map(({ metadata }) => metadata.name);
    for (const name of names) expect(name).toMatch(/^upload-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    expect(new Set(names).size).toBe(2);
    const long = api.create(widgets, widget('', { generateName: 'x'.repeat(80) }));
    expect(long.metadata.name).toHaveLength(63);
  });

  it('refuses a name that is taken, and one that is none', () => {
    const { api } = rigStore();
    api.create(widgets, widget('a'));
    expect(refusal(() => api.create(widgets, widget('a')))).toMatchObject({ code: 409, reason: 'AlreadyExists' });
    for (const name of ['', 'Big', 'a_b', '-a', 'a..b', 'x'.repeat(254)]) {
      const error = refusal(() => api.create(widgets, widget(name)));
      expect(error).toMatchObject({ code: 422, reason: 'Invalid' });
      expect(error.details?.causes?.[0]?.field).toBe('metadata.name');
    }
    expect(refusal(() => api.create(namespaces, namespace('a.b'))).code).toBe(422);
  });

  it('refuses labels, finalizers and owners that Kubernetes would refuse', () => {
    const { api } = rigStore();
    const fields: ObjectMeta[] = [
      { labels: { 'a b': 'x' } },
      { labels: { a: 'not a value' } },
      { finalizers: ['no domain'] },
      { finalizers: ['orphan', 'foregroundDeletion'] },
      { ownerReferences: [{ apiVersion: 'v1', kind: 'X', name: 'x', uid: '' }] },
      { annotations: { a: 'x'.repeat(300_000) } },
    ];
    for (const metadata of fields) expect(refusal(() => api.create(widgets, widget('a', metadata))).code).toBe(422);
    expect(refusal(() => api.create(gadgets, gadget('a', { namespace: 'default' }))).code).toBe(422);
  });

  it('takes finalizers without a domain for added kinds, with a warning for new ones, and refuses them for its own', () => {
    const { api } = rigStore();
    const warnings: string[] = [];
    const warn = (text: string): void => void warnings.push(text);
    api.create(widgets, widget('a', { finalizers: ['plain', 'foregroundDeletion', 'test.io/hold'] }), { warn });
    expect(warnings).toEqual([expect.stringMatching(/^metadata\.finalizers: "plain": prefer a domain-qualified finalizer name/)]);
    api.update(widgets, widget('a', { finalizers: ['plain', 'test.io/hold'], labels: { a: 'b' } }), { warn });
    expect(warnings).toHaveLength(1);
    const error = refusal(() => api.create(namespaces, { ...namespace('team'), metadata: { name: 'team', finalizers: ['plain'] } }));
    expect(error.details?.causes?.[0]).toMatchObject({ field: 'metadata.finalizers', message: expect.stringContaining('neither a standard finalizer name nor is it fully qualified') as string });
  });

  it('wants its namespace to be there', () => {
    const { api } = rigStore();
    const error = refusal(() => api.create(widgets, widget('a', { namespace: 'nowhere' })));
    expect(error).toMatchObject({ code: 404, message: 'namespaces "nowhere" not found' });
  });

  it('stores nothing on a dry run', () => {
    const { api } = rigStore();
    const before = api.resourceVersion;
    expect(api.create(widgets, widget('a'), { dryRun: true }).metadata.uid).toBeDefined();
    expect(api.get(widgets, 'default', 'a')).toBeUndefined();
    expect(api.resourceVersion).toBe(before);
  });

  it('stores nothing when admission refuses', () => {
    const { api } = rigStore();
    const before = api.resourceVersion;
    const picky = { ...widgets, admit: () => { throw new Error('no'); } };
    expect(() => api.create(picky, widget('a'))).toThrow('no');
    expect(api.resourceVersion).toBe(before);
    expect(api.create(widgets, widget('a')).metadata.name).toBe('a');
  });
});

describe('update', () => {
  it('answers 409 in the API server’s words when the object changed meanwhile', () => {
    const { api } = rigStore();
    const first = api.create(widgets, widget('a'));
    const second = api.update(widgets, { ...first, spec: { size: 2 } } as typeof first);
    expect(second.metadata.generation).toBe(2);
    const error = refusal(() => api.update(widgets, first));
    expect(error).toMatchObject({ code: 409, reason: 'Conflict' });
    expect(error.message).toBe(
      'Operation cannot be fulfilled on widgets.test.hayloft.io "a": the object has been modified; please apply your changes to the latest version and try again',
    );
  });

  it('spends no revision when nothing changes', () => {
    const { api } = rigStore();
    const created = api.create(widgets, widget('a', { labels: { x: '1', y: '2' } }));
    const same = api.update(widgets, widget('a', { labels: { y: '2', x: '1' } }));
    expect(same).toEqual(created);
    expect(api.resourceVersion).toBe(created.metadata.resourceVersion);
  });

  it('counts spec changes alone in generation', () => {
    const { api } = rigStore();
    api.create(widgets, widget('a'));
    expect(api.update(widgets, widget('a', { labels: { x: '1' } })).metadata.generation).toBe(1);
    expect(api.update(widgets, widget('a', {}, 2)).metadata.generation).toBe(2);
  });

  it('keeps status and spec apart', () => {
    const { api } = rigStore();
    api.create(widgets, widget('a'));
    const status = { phase: 'Done' };
    const withStatus = api.update(widgets, { ...widget('a', { labels: { x: '1' } }, 9), status } as never, { subresource: 'status' });
    expect(withStatus).toMatchObject({ spec: { size: 1 }, status, metadata: { generation: 1 } });
    expect(withStatus.metadata.labels).toBeUndefined();
    const after = api.update(widgets, { ...widget('a', {}, 2), status: { phase: 'Lies' } } as never);
    expect(after).toMatchObject({ spec: { size: 2 }, status });
  });

  it('lets nobody change who an object is', () => {
    const { api } = rigStore();
    const created = api.create(widgets, widget('a'));
    const other = crypto.randomUUID();
    expect(refusal(() => api.update(widgets, widget('a', { uid: other }))).code).toBe(409);
    expect(refusal(() => api.update(widgets, widget('a', { creationTimestamp: '2001-01-01T00:00:00Z' }))).code).toBe(422);
    expect(refusal(() => api.update(widgets, widget('a', { deletionTimestamp: '2001-01-01T00:00:00Z' }))).code).toBe(422);
    const kept = api.update(widgets, widget('a', { generation: 77, generateName: 'b-' }, 2)).metadata;
    expect(kept).toMatchObject({ uid: created.metadata.uid, generation: 2 });
    expect(kept.generateName).toBeUndefined();
    expect(refusal(() => api.update(widgets, widget('b'))).code).toBe(404);
  });
});

describe('resources', () => {
  it('reads, changes and writes, and hands out copies', () => {
    const { resources, api } = rigStore();
    const created = resources.create(widgets, widget('a', { labels: { app: 'x' } }));
    created.spec = { size: 99 };
    expect(resources.get(widgets, 'default', 'a')?.spec).toEqual({ size: 1 });
    expect(resources.change(widgets, 'default', 'a', (draft) => { draft.spec = { size: 5 }; })?.spec).toEqual({ size: 5 });
    resources.changeStatus(widgets, 'default', 'a', (draft) => { draft.status = { phase: 'Done' }; });
    const before = api.resourceVersion;
    resources.changeStatus(widgets, 'default', 'a', (draft) => { draft.status = { phase: 'Done' }; });
    expect(api.resourceVersion).toBe(before);
    expect(resources.list(widgets, { labels: { app: 'x' } })).toHaveLength(1);
    expect(resources.list(widgets, { labels: { app: 'y' } })).toHaveLength(0);
    expect(resources.change(widgets, 'default', 'b', () => undefined)).toBeUndefined();
    expect(resources.delete(widgets, 'default', 'a')).toBe(true);
    expect(resources.delete(widgets, 'default', 'a')).toBe(false);
  });

  it('refuses a change that wrote to the same object inside', () => {
    const { resources } = rigStore();
    resources.create(widgets, widget('a'));
    const error = refusal(() =>
      resources.change(widgets, 'default', 'a', (draft) => {
        resources.change(widgets, 'default', 'a', (inner) => { inner.spec = { size: 2 }; });
        draft.spec = { size: 3 };
      }),
    );
    expect(error.code).toBe(409);
    expect(resources.get(widgets, 'default', 'a')?.spec).toEqual({ size: 2 });
  });
});

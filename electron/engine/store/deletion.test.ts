import { describe, expect, it } from 'vitest';
import type { KubeObject } from '#shared/kube/object.ts';
import { gadget, gadgets, namespace, namespaces, ownedBy, refusal, rigStore, settled, widget, widgets } from './store-rig.ts';

describe('finalizers', () => {
  it('hold an object until the last is removed', () => {
    const { api } = rigStore();
    api.create(widgets, widget('a', { finalizers: ['test.io/one', 'test.io/two'] }));
    const answer = api.delete(widgets, 'default', 'a');
    expect(answer.removed).toBe(false);
    expect(answer.object.metadata).toMatchObject({ deletionGracePeriodSeconds: 0, generation: 2 });
    const marked = answer.object.metadata.deletionTimestamp;
    expect(marked).toBeDefined();

    const before = api.resourceVersion;
    expect(api.delete(widgets, 'default', 'a').object.metadata.deletionTimestamp).toBe(marked);
    expect(api.resourceVersion).toBe(before);

    expect(refusal(() => api.update(widgets, widget('a', { finalizers: ['test.io/one', 'test.io/new'] }))).code).toBe(422);
    api.update(widgets, widget('a', { finalizers: ['test.io/two'] }));
    expect(api.get(widgets, 'default', 'a')).toBeDefined();
    api.update(widgets, widget('a'));
    expect(api.get(widgets, 'default', 'a')).toBeUndefined();
  });

  it('can be let go although admission would refuse the object today', () => {
    const { api } = rigStore();
    api.create(widgets, widget('a', { finalizers: ['test.io/one'] }));
    api.delete(widgets, 'default', 'a');
    const strict = { ...widgets, admit: () => { throw new Error('no longer allowed'); } };
    api.update(strict, widget('a'));
    expect(api.get(widgets, 'default', 'a')).toBeUndefined();
  });
});

describe('preconditions', () => {
  it('stop a deletion that means another object', () => {
    const { api } = rigStore();
    const { metadata } = api.create(widgets, widget('a'));
    expect(refusal(() => api.delete(widgets, 'default', 'a', { preconditions: { uid: 'other' } })).code).toBe(409);
    expect(refusal(() => api.delete(widgets, 'default', 'a', { preconditions: { resourceVersion: '0' } })).code).toBe(409);
    expect(api.delete(widgets, 'default', 'a', { preconditions: { uid: metadata.uid ?? '' } }).removed).toBe(true);
    expect(refusal(() => api.delete(widgets, 'default', 'a')).code).toBe(404);
  });
});

describe('owner references', () => {
  const family = (blocks = false): ReturnType<typeof rigStore> & { parent: KubeObject } => {
    const rig = rigStore();
    const parent = rig.api.create(widgets, widget('parent'));
    const child = rig.api.create(widgets, widget('child', ownedBy(parent, blocks)));
    rig.api.create(widgets, widget('grandchild', ownedBy(child, blocks)));
    return { ...rig, parent };
  };
  const names = (rig: ReturnType<typeof rigStore>): (string | undefined)[] =>
    rig.api.list(widgets, {}).items.map(({ metadata }) => metadata.name);

  it('take dependents along in the background', () => {
    const rig = family();
    rig.api.delete(widgets, 'default', 'parent');
    expect(names(rig)).toEqual([]);
  });

  it('wait for dependents that are held, the owner gone at once', () => {
    const rig = family();
    rig.api.update(widgets, widget('child', { ...ownedBy(rig.parent), finalizers: ['test.io/hold'] }));
    expect(rig.api.delete(widgets, 'default', 'parent').removed).toBe(true);
    expect(names(rig)).toEqual(['child', 'grandchild']);
    rig.api.update(widgets, widget('child', ownedBy(rig.parent)));
    expect(names(rig)).toEqual([]);
  });

  it('let an owner wait for its blocking dependents in the foreground', () => {
    const rig = family(true);
    rig.resources.change(widgets, 'default', 'grandchild', (draft) => { draft.metadata.finalizers = ['test.io/hold']; });
    const answer = rig.api.delete(widgets, 'default', 'parent', { propagationPolicy: 'Foreground' });
    expect(answer.removed).toBe(false);
    expect(answer.object.metadata.finalizers).toEqual(['foregroundDeletion']);
    expect(rig.api.get(widgets, 'default', 'child')?.metadata.finalizers).toEqual(['foregroundDeletion']);
    expect(names(rig)).toEqual(['child', 'grandchild', 'parent']);
    rig.resources.change(widgets, 'default', 'grandchild', (draft) => { delete draft.metadata.finalizers; });
    expect(names(rig)).toEqual([]);
  });

  it('do not let an owner wait for dependents that do not block', () => {
    const rig = family(false);
    rig.resources.change(widgets, 'default', 'child', (draft) => { draft.metadata.finalizers = ['test.io/hold']; });
    rig.api.delete(widgets, 'default', 'parent', { propagationPolicy: 'Foreground' });
    expect(rig.api.get(widgets, 'default', 'parent')).toBeUndefined();
    expect(rig.api.get(widgets, 'default', 'child')?.metadata.deletionTimestamp).toBeDefined();
  });

  it('are cut by orphaning', () => {
    const rig = family();
    rig.api.delete(widgets, 'default', 'parent', { propagationPolicy: 'Orphan' });
    expect(names(rig)).toEqual(['child', 'grandchild']);
    expect(rig.api.get(widgets, 'default', 'child')?.metadata.ownerReferences).toBeUndefined();
  });

  it('need every owner gone; those that are left stay', () => {
    const rig = rigStore();
    const [one, two] = ['one', 'two'].map((name) => rig.api.create(gadgets, gadget(name)));
    if (!one || !two) throw new Error('unreachable');
    const ownerReferences = [...ownedBy(one).ownerReferences, ...ownedBy(two).ownerReferences];
    rig.api.create(widgets, widget('child', { ownerReferences }));
    rig.api.delete(gadgets, undefined, 'one');
    expect(rig.api.get(widgets, 'default', 'child')?.metadata.ownerReferences).toEqual(ownedBy(two).ownerReferences);
    rig.api.delete(gadgets, undefined, 'two');
    expect(names(rig)).toEqual([]);
  });

  it('to nobody are collected a moment later, and at start-up', async () => {
    const rig = rigStore();
    const ghost = { ...gadget('ghost'), metadata: { name: 'ghost', uid: crypto.randomUUID() } };
    rig.api.create(widgets, widget('a', ownedBy(ghost)));
    expect(names(rig)).toEqual(['a']);
    await settled();
    expect(names(rig)).toEqual([]);

    rig.api.create(widgets, widget('b', ownedBy(ghost)));
    const again = rig.reopen();
    expect(again.api.get(widgets, 'default', 'b')).toBeUndefined();
  });

  it('across namespaces are none', async () => {
    const rig = rigStore();
    rig.api.create(namespaces, namespace('other'));
    const owner = rig.api.create(widgets, widget('owner', { namespace: 'other' }));
    rig.api.create(widgets, widget('a', ownedBy(owner)));
    await settled();
    expect(rig.api.get(widgets, 'default', 'a')).toBeUndefined();
  });
});

describe('namespaces', () => {
  it('go with what is in them, and take nothing new meanwhile', () => {
    const { api } = rigStore();
    api.create(namespaces, namespace('team'));
    api.create(widgets, widget('free', { namespace: 'team' }));
    api.create(widgets, widget('held', { namespace: 'team', finalizers: ['test.io/hold'] }));
    const answer = api.delete(namespaces, undefined, 'team');
    expect(answer).toMatchObject({ removed: false, object: { status: { phase: 'Terminating' } } });
    expect(api.list(widgets, { namespace: 'team' }).items.map(({ metadata }) => metadata.name)).toEqual(['held']);
    const error = refusal(() => api.create(widgets, widget('new', { namespace: 'team' })));
    expect(error).toMatchObject({ code: 403, details: { causes: [{ reason: 'NamespaceTerminating' }] } });
    api.update(widgets, widget('held', { namespace: 'team' }));
    expect(api.get(namespaces, undefined, 'team')).toBeUndefined();
  });

  it('that are empty go at once; the permanent ones stay', () => {
    const { api } = rigStore();
    api.create(namespaces, namespace('team'));
    expect(api.delete(namespaces, undefined, 'team').removed).toBe(true);
    expect(refusal(() => api.delete(namespaces, undefined, 'default')).code).toBe(403);
    expect(api.list(namespaces, {}).items.map(({ metadata }) => metadata.name)).toEqual(['default', 'kube-system']);
  });
});

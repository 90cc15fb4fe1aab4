import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { KubeList, Status } from '#shared/kube/object.ts';
import { headersOf, rowsOf, useEngine } from './conformance-engine.ts';
import { configMap, machine } from './samples.ts';

const engine = useEngine();

const namesOf = (list: string): string[] => list.trim().split('\n').filter(Boolean).map((line) => line.replace(/^.*\//, ''));

describe('kubectl get', () => {
  beforeAll(() => {
    const list = { apiVersion: 'v1', kind: 'List', items: [
      configMap('web-1', { n: '1' }, { app: 'web', tier: 'front' }),
      configMap('web-2', { n: '2' }, { app: 'web', tier: 'back' }),
      configMap('db-1', { n: '3' }, { app: 'db' }),
    ] };
    engine.ok(['create', '-f', '-'], list);
  });

  it.each([
    ['app=web', ['web-1', 'web-2']],
    ['app==web,tier!=back', ['web-1']],
    ['app in (web, db),!tier', ['db-1']],
    ['app notin (web)', ['db-1']],
    ['tier', ['web-1', 'web-2']],
  ])('selects by labels: %s', (selector, names) => {
    expect(namesOf(engine.ok(['get', 'cm', '-l', selector, '-o', 'name']))).toEqual(names);
  });

  it('selects by fields', () => {
    expect(namesOf(engine.ok(['get', 'cm', '--field-selector', 'metadata.name=db-1', '-o', 'name']))).toEqual(['db-1']);
    expect(namesOf(engine.ok(['get', 'cm', '-A', '--field-selector', 'metadata.namespace!=default', '-o', 'name']))).toEqual([]);
    engine.ok(['create', '-f', '-'], machine('halted'));
    expect(namesOf(engine.ok(['get', 'vm', '--field-selector', 'spec.runStrategy=Halted', '-o', 'name']))).toEqual(['halted']);
    expect(namesOf(engine.ok(['get', 'vm', '--field-selector', 'spec.runStrategy=Always', '-o', 'name']))).toEqual([]);
    engine.ok(['delete', 'vm', 'halted']);
  });

  it('reads long lists in chunks', async () => {
    expect(namesOf(engine.ok(['get', 'cm', '--chunk-size=1', '-o', 'name']))).toEqual(['db-1', 'web-1', 'web-2']);
    const path = '/api/v1/namespaces/default/configmaps';
    const first = (await engine.rig.api('GET', `${path}?limit=2`)).json<KubeList>();
    expect(first.items).toHaveLength(2);
    expect(first.metadata.remainingItemCount).toBe(1);
    const rest = (await engine.rig.api('GET', `${path}?limit=2&continue=${encodeURIComponent(first.metadata.continue ?? '')}`)).json<KubeList>();
    expect(rest.items.map(({ metadata }) => metadata.name)).toEqual(['web-2']);
    expect(rest.metadata.continue).toBeUndefined();
    const wrong = await engine.rig.api('GET', `${path}?continue=nonsense`);
    expect(wrong.status).toBe(400);
  });

  it('prints, sorts and picks columns', () => {
    const table = engine.ok(['get', 'cm', '--show-labels', '--sort-by=.data.n']);
    expect(headersOf(table)).toEqual(['NAME', 'DATA', 'AGE', 'LABELS']);
    expect(rowsOf(table).map((row) => row[0])).toEqual(['web-1', 'web-2', 'db-1']);
    expect(rowsOf(table)[0]?.[2]).toMatch(/^\d+s$/);
    expect(rowsOf(engine.ok(['get', 'cm', '-o', 'custom-columns=N:.metadata.name,V:.data.n']))).toContainEqual(['db-1', '3']);
    expect(engine.ok(['get', 'cm', 'db-1', '-o', 'jsonpath={.data.n}'])).toBe('3');
  });

  it("shows KubeVirt's, CDI's and Kubernetes' own columns", () => {
    engine.ok(['create', '-f', '-'], machine('columns'));
    expect(headersOf(engine.ok(['get', 'vm', '-A']))).toEqual(['NAMESPACE', 'NAME', 'AGE', 'STATUS', 'READY']);
    expect(rowsOf(engine.ok(['get', 'vm']))[0]).toMatchObject({ 0: 'columns', 2: 'Stopped', 3: 'False' });
    engine.ok(['delete', 'vm', 'columns']);
    engine.ok(['create', '-f', '-'], {
      apiVersion: 'cdi.kubevirt.io/v1beta1',
      kind: 'DataVolume',
      metadata: { name: 'columns' },
      spec: { source: { blank: {} }, storage: { resources: { requests: { storage: '1Mi' } } } },
    });
    engine.ok(['wait', 'dv/columns', '--for=condition=Ready', '--timeout=60s']);
    expect(headersOf(engine.ok(['get', 'dv']))).toEqual(['NAME', 'PHASE', 'PROGRESS', 'RESTARTS', 'AGE']);
    expect(headersOf(engine.ok(['get', 'pvc']))).toEqual(expect.arrayContaining(['NAME', 'STATUS', 'VOLUME', 'CAPACITY', 'ACCESS MODES', 'STORAGECLASS', 'AGE']));
    expect(rowsOf(engine.ok(['get', 'nodes']))[0]).toMatchObject({ 1: 'Ready' });
    expect(engine.ok(['get', 'vm,vmi,dv,pvc,nodes', '-A'])).toMatch(/datavolume\.cdi\.kubevirt\.io\/columns[\s\S]*persistentvolumeclaim\/columns[\s\S]*node\//);
    expect(headersOf(engine.ok(['get', 'events', '-A'])).slice(0, 4)).toEqual(['NAMESPACE', 'LAST SEEN', 'TYPE', 'REASON']);
    engine.ok(['delete', 'dv', 'columns']);
  });
});

describe('kubectl get -w', () => {
  it('shows what comes, changes and goes', async () => {
    const watching = engine.start(['get', 'cm', '-w', '-l', 'watched=yes', '--output-watch-events']);
    engine.ok(['create', '-f', '-'], configMap('seen', { a: '1' }, { watched: 'yes' }));
    await watching.line(/^ADDED\s+seen\s+1\s+\d+s/);
    engine.ok(['patch', 'cm', 'seen', '-p', '{"data":{"b":"2"}}']);
    await watching.line(/^MODIFIED\s+seen\s+2\s+\d+s/);
    engine.ok(['label', 'cm', 'seen', 'watched-']);
    await watching.line(/^DELETED\s+seen\s+2\s+\d+s/);
    expect(watching.output().match(/NAME/g)).toHaveLength(1);
  });
});

describe('kubectl wait', () => {
  it('waits for fields and for deletion', async () => {
    engine.ok(['create', '-f', '-'], configMap('awaited', { state: 'new' }));
    const value = engine.start(['wait', 'cm/awaited', '--for=jsonpath={.data.state}=done', '--timeout=30s']);
    const end = engine.start(['wait', 'cm/awaited', '--for=delete', '--timeout=30s']);
    engine.ok(['patch', 'cm', 'awaited', '-p', '{"data":{"state":"done"}}']);
    await value.line(/condition met/);
    engine.ok(['delete', 'cm', 'awaited']);
    await vi.waitFor(() => expect(end.child.exitCode).toBe(0), 10_000);
    expect(engine.refused(['wait', 'cm', '-l', 'no=one', '--for=condition=Ready', '--timeout=1s'])).toContain('no matching resources');
  });
});

describe('lists and watches as client-go asks for them', () => {
  it('tell of revisions that are yet to come or long gone', async () => {
    const path = '/api/v1/namespaces/default/configmaps';
    const future = await engine.rig.api('GET', `${path}?resourceVersion=999999&resourceVersionMatch=NotOlderThan`);
    expect(future.status).toBe(504);
    expect(future.json<Status>().details?.causes?.[0]?.reason).toBe('ResourceVersionTooLarge');
    const watch = await engine.rig.api('GET', `${path}?watch=1&resourceVersion=999999&timeoutSeconds=1`);
    expect(watch.json()).toMatchObject({ type: 'ERROR', object: { code: 410, reason: 'Expired' } });
  });

  it('stream a list, and mark its end', async () => {
    const query = 'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=1';
    const answer = await engine.rig.api('GET', `/api/v1/namespaces?${query}`);
    const events = answer.text.trim().split('\n').map((line) => JSON.parse(line) as { type: string; object: { metadata: { annotations?: object } } });
    // The first bookmark marks the end of the list, the second the end of the watch.
    expect(events.map(({ type }) => type)).toEqual([...events.slice(2).map(() => 'ADDED'), 'BOOKMARK', 'BOOKMARK']);
    expect(events.at(-2)?.object.metadata.annotations).toEqual({ 'k8s.io/initial-events-end': 'true' });
  });

  it('leave out all but metadata where that is what is asked for', async () => {
    const accept = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';
    const list = (await engine.rig.api('GET', '/api/v1/nodes', undefined, { accept })).json<KubeList>();
    expect(list).toMatchObject({ kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1' });
    expect(Object.keys(list.items[0] ?? {})).toEqual(['kind', 'apiVersion', 'metadata']);
  });
});

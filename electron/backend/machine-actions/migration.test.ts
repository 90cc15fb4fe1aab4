/**
 * Live migration against a stand-in API server of two nodes: the engine has one node, and no cluster is to be had here. Shapes
 * are those of KubeVirt's own schemas.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { Task } from '#shared/contract/tasks.ts';
import type { VirtualMachineInstanceMigration } from '#shared/kube/migration.ts';
import { until } from '../../../test/rig/until.ts';
import { Clusters } from '../clusters/clusters.ts';
import { FakeApiServer, failure, type FakeAnswer, type FakeRequest } from '../clusters/fake-api-server.ts';
import { Journal } from '../tasks/journal.ts';
import { going, type TaskDefinition } from '../tasks/standing.ts';
import { Tasks } from '../tasks/tasks.ts';
import { actionCalls } from './action-calls.ts';

const ref = { clusterId: 'home', namespace: 'default', name: 'web' };
const context = { signal: new AbortController().signal } as never;
const meta = { name: 'web', namespace: 'default', uid: 'uid-web' };
const vm = { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', metadata: meta, spec: { runStrategy: 'Always', template: { spec: { domain: { devices: {} } } } } };
const vmi = (nodeName: string): object => ({ apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachineInstance', metadata: { ...meta, uid: 'uid-vmi' }, spec: { domain: { devices: {} } }, status: { phase: 'Running', nodeName } });
const node = (name: string, more: { labels?: object; spec?: object; ready?: string } = {}): object => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: more.labels ?? { 'kubernetes.io/hostname': `${name}.lan`, 'kubevirt.io/schedulable': 'true' } },
  spec: more.spec ?? {},
  status: { conditions: [{ type: 'Ready', status: more.ready ?? 'True' }] },
});

let server: FakeApiServer;
let folder: string;
let clusters: Clusters;
let tasks: Tasks;
let posted: VirtualMachineInstanceMigration | undefined;
let current: VirtualMachineInstanceMigration | undefined;
let where: string;
let rules: object[];

const migrationsPath = '/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstancemigrations';
const everywhere = '/apis/kubevirt.io/v1/virtualmachineinstancemigrations';

function answer({ method, path, body }: FakeRequest): FakeAnswer | undefined {
  const found = (object: object | undefined): FakeAnswer => (object ? { status: 200, body: object } : { status: 404, body: failure(404, 'NotFound', 'not found') });
  if (path === '/apis/kubevirt.io/v1/namespaces/default/virtualmachines/web') return found(vm);
  if (path === '/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances/web') return found(vmi(where));
  if (path === '/api/v1/nodes/node-2') return found(node('node-2'));
  if (path === '/api/v1/nodes') {
    return { status: 200, body: { metadata: {}, items: [node('node-1'), node('node-2'), node('node-3', { ready: 'Unknown' }), node('node-4', { spec: { unschedulable: true } }), node('node-5', { labels: {} })] } };
  }
  if (path === '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews') return { status: 201, body: { status: { incomplete: false, resourceRules: rules } } };
  if (path === migrationsPath && method === 'POST') {
    posted = body as VirtualMachineInstanceMigration;
    show({ phase: 'Pending' });
    return { status: 201, body: posted };
  }
  if (path.startsWith(`${migrationsPath}/`)) {
    if (method === 'DELETE') current = undefined;
    return found(current);
  }
  return undefined;
}

/** As KubeVirt's controller would: the migration's status changes, and watchers are told. */
function show(status: VirtualMachineInstanceMigration['status']): void {
  if (!posted) throw new Error('Nothing was posted');
  current = { ...posted, ...(status ? { status } : {}) };
  server.put(everywhere, current);
}

const task = (): Task | undefined => tasks.topic.values()[0];
const reaches = (state: Task['state']): Promise<unknown> => until(`the task to be ${state}`, () => task()?.state === state, 10_000);

const idle: TaskDefinition = { watches: [], keeps: () => true, stand: () => Promise.resolve(going()) };

beforeEach(async () => {
  server = await FakeApiServer.start();
  server.answer = answer;
  posted = current = undefined;
  where = 'node-1';
  rules = [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }];
  folder = mkdtempSync(join(tmpdir(), 'hayloft-actions-'));
  const { access } = server;
  clusters = new Clusters(folder, { warn: () => undefined });
  writeFileSync(join(folder, 'home.yaml'), stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'home',
    clusters: [{ name: 'home', cluster: { server: access.server, 'certificate-authority-data': Buffer.from(access.ca ?? '').toString('base64') } }],
    users: [{ name: 'home', user: { token: access.token } }],
    contexts: [{ name: 'home', context: { cluster: 'home', user: 'home' } }],
  }));
  clusters.refresh();
  tasks = new Tasks(clusters, journal(), { backup: idle, restoreBackup: idle });
});

afterEach(async () => {
  tasks.close();
  clusters.close();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const journal = (): Journal => new Journal(join(folder, 'tasks.json'), () => undefined);
const calls = (): ReturnType<typeof actionCalls> => actionCalls({ clusters, tasks });

describe('a live migration', () => {
  it('offers the other nodes, each that cannot take it with its reason', async () => {
    const { targets } = await calls()['machines.migrationTargets'](ref, context);
    expect(targets.map(({ node: name, usable }) => [name, usable.reason])).toEqual([
      ['node-2', undefined],
      ['node-3', 'It is not ready.'],
      ['node-4', 'It is set to take nothing new.'],
      ['node-5', 'KubeVirt cannot run machines on it now.'],
    ]);
  });

  it('is asked for as KubeVirt has it, followed by its phases, and known to have arrived', async () => {
    await calls()['machines.migrate']({ ...ref, node: 'node-2' }, context);
    expect(posted).toMatchObject({
      apiVersion: 'kubevirt.io/v1',
      kind: 'VirtualMachineInstanceMigration',
      metadata: { namespace: 'default' },
      // By the host name that the node has, which need not be its own.
      spec: { vmiName: 'web', addedNodeSelector: { 'kubernetes.io/hostname': 'node-2.lan' } },
    });
    await until('the first phase', () => task()?.step?.includes('waits for its turn'));
    show({ phase: 'Running', migrationState: { targetNode: 'node-2' } });
    await until('the copying', () => task()?.step === 'Its memory is being copied while it runs. It goes to node-2.');
    expect(task()?.cancel.allowed).toBe(true);
    where = 'node-2';
    show({ phase: 'Succeeded', migrationState: { targetNode: 'node-2', completed: true } });
    await reaches('done');
    expect(task()?.step).toBe('It runs on node-2 now.');
  });

  it('says why it failed, and where the machine runs on', async () => {
    await calls()['machines.migrate'](ref, context);
    expect(posted?.spec).toEqual({ vmiName: 'web' });
    show({ phase: 'Failed', migrationState: { failed: true, failureReason: 'the target has a different CPU' } });
    await reaches('failed');
    expect(task()?.error).toMatchObject({ message: 'the target has a different CPU', hint: 'The machine goes on running on node-1.' });
  });

  it('is stopped by deleting it', async () => {
    await calls()['machines.migrate'](ref, context);
    await until('it to be known', () => task()?.step !== undefined);
    await tasks.cancel(task()?.id ?? '');
    expect(server.requests).toContain(`DELETE ${migrationsPath}/${posted?.metadata.name ?? ''}`);
    expect(task()?.state).toBe('cancelled');
  });

  it('is found again by another run of the app, and said to be unknown where nothing tells how it ended', async () => {
    await calls()['machines.migrate'](ref, context);
    tasks.close();
    show({ phase: 'Running' });
    tasks = new Tasks(clusters, journal(), { backup: idle, restoreBackup: idle });
    await until('it to be found', () => task()?.step?.startsWith('Its memory'));
    tasks.close();
    current = undefined;
    server.remove(everywhere, 'default', posted?.metadata.name ?? '');
    tasks = new Tasks(clusters, journal(), { backup: idle, restoreBackup: idle });
    await reaches('unknown');
    expect(task()?.error).toMatchObject({ hint: 'The machine runs on node-1.' });
    tasks.dismiss(undefined);
    expect(journal().read()).toEqual([]);
  });
});

describe('what goes on in a cluster', () => {
  it('is found without a journal, once, and not what has ended', async () => {
    await calls()['machines.migrate'](ref, context);
    tasks.close();
    rmSync(join(folder, 'tasks.json'));
    const snapshots = '/apis/snapshot.kubevirt.io/v1beta1/virtualmachinesnapshots';
    const snapshot = (name: string, status: object, more: object = {}): void =>
      server.put(snapshots, {
        apiVersion: 'snapshot.kubevirt.io/v1beta1',
        kind: 'VirtualMachineSnapshot',
        metadata: { name, namespace: 'default', creationTimestamp: '2026-01-02T03:04:05Z', ...more },
        ...{ spec: { source: { kind: 'VirtualMachine', name: 'web' } }, status },
      });
    snapshot('ready', { phase: 'Succeeded', readyToUse: true });
    snapshot('going', { phase: 'InProgress', readyToUse: false });
    snapshot('part', { phase: 'InProgress' }, { ownerReferences: [{ apiVersion: 'clone.kubevirt.io/v1beta1', kind: 'VirtualMachineClone', name: 'c', uid: 'c' }] });
    tasks = new Tasks(clusters, journal(), { backup: idle, restoreBackup: idle });
    tasks.discover();
    await until('both to be found', () => tasks.topic.values().length === 2);
    tasks.close();
    // Both are in the journal now.
    tasks = new Tasks(clusters, journal(), { backup: idle, restoreBackup: idle });
    tasks.discover();
    const known = (): (string | undefined)[] => tasks.topic.values().map(({ kind, machine, subject, begun }) => `${kind} ${machine.name} ${subject ?? ''} ${new Date(begun).getUTCFullYear()}`);
    await until('a look', () => server.requests.filter((request) => request === `GET ${snapshots}`).length >= 2);
    expect(known().sort()).toEqual([expect.stringMatching(/^migrate web /), 'snapshot web going 2026']);
  });
});

describe('abilities', () => {
  const namespace = 'default';
  const ask = (): Promise<{ missing: Partial<Record<string, string>>; pointless: string[] }> =>
    calls()['machines.abilities']({ clusterId: 'home', namespace }, context);

  it('are what the user may do: a namespace’s admin may not migrate', async () => {
    rules = [
      { verbs: ['*'], apiGroups: ['kubevirt.io'], resources: ['virtualmachines', 'virtualmachineinstances'] },
      { verbs: ['update'], apiGroups: ['subresources.kubevirt.io'], resources: ['virtualmachines/start', 'virtualmachines/stop'] },
    ];
    const { missing, pointless } = await ask();
    expect(pointless).toEqual([]);
    expect(missing.migrate).toMatch(/may not/);
    expect(missing).not.toHaveProperty('start');
    expect(missing.restart).toMatch(/may not/);
    expect(missing.snapshot).toBe('This cluster has no snapshots.');
  });
});

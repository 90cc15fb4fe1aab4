import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Machine } from '#shared/contract/machines.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import { until } from '../../../test/rig/until.ts';
import { ClusterConnection } from '../clusters/connection.ts';
import type { Clusters } from '../clusters/clusters.ts';
import { FakeApiServer, selfSigned } from '../clusters/fake-api-server.ts';
import { machinesTopic } from './machine-topics.ts';

const list = '/apis/kubevirt.io/v1/virtualmachines';
const identity = selfSigned();
let api: FakeApiServer;
let cluster: ClusterConnection;
let asked: string[];

beforeEach(async () => {
  asked = [];
  api = await FakeApiServer.start(0, identity);
  api.answer = ({ method, path }) => {
    if (!/instancetypes|controllerrevisions/.test(path)) return undefined;
    asked.push(`${method} ${path}`);
    const spec = path.includes('controllerrevisions') ? { cpu: { guest: 2 }, memory: { guest: '1Gi' } } : { cpu: { guest: 4 }, memory: { guest: '8Gi' } };
    return { status: 200, body: path.includes('controllerrevisions') ? { data: { kind: 'VirtualMachineClusterInstancetype', spec } } : { spec } };
  };
  cluster = new ClusterConnection({ id: 'fake', name: 'Fake', local: false, changed: () => undefined, warn: () => undefined });
  cluster.connect(api.access);
});
afterEach(async () => {
  cluster.close();
  await api.close();
});

const machine = (name: string, status: object = {}): KubeObject =>
  ({
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    metadata: { name, namespace: 'default', uid: name },
    spec: { runStrategy: 'Halted', instancetype: { name: 'u1.xlarge', kind: 'VirtualMachineClusterInstancetype' }, template: { spec: { domain: { devices: {} } } } },
    status,
  }) as unknown as KubeObject;

it('a machine that is off shows what its type gives it, each type asked for once', async () => {
  const kept = { instancetypeRef: { name: 'u1.xlarge', controllerRevisionRef: { name: 'kept' } } };
  for (const object of [machine('new'), machine('second'), machine('old', kept)]) api.put(list, object);
  const rows = new Map<string, Machine>();
  const take = (items: readonly Machine[]): void => items.forEach((item) => rows.set(item.name, item));
  const clusters = { select: () => ({ current: [cluster], follow: () => () => undefined }) } as unknown as Clusters;
  const stop = machinesTopic(clusters, undefined).subscribe({ onSnapshot: take, onChanges: take, onError: () => undefined });
  const gib = 2 ** 30;
  await until('the sizes', () => rows.get('new')?.cores === 4 && rows.get('second')?.memoryBytes === 8 * gib && rows.get('old')?.cores === 2, 10_000);
  expect(rows.get('old')?.memoryBytes).toBe(gib);
  expect(asked.sort()).toEqual([
    'GET /apis/apps/v1/namespaces/default/controllerrevisions/kept',
    'GET /apis/instancetype.kubevirt.io/v1beta1/virtualmachineclusterinstancetypes/u1.xlarge',
  ]);
  stop();
});

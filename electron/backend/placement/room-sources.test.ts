import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiClient } from '../clusters/api-client.ts';
import { ServedGroups } from '../clusters/capabilities/versions.ts';
import { FakeApiServer, failure, selfSigned, type FakeAnswer } from '../clusters/fake-api-server.ts';
import { kubeVirtRatios } from './room.ts';
import { askRoom } from './room-sources.ts';

const identity = selfSigned();
let server: FakeApiServer;
let client: ApiClient;
let answers: Record<string, FakeAnswer>;

const list = (...items: object[]): FakeAnswer => ({ status: 200, body: { kind: 'List', metadata: {}, items } });
const forbidden: FakeAnswer = { status: 403, body: failure(403, 'Forbidden', 'no') };
const ask = (flavour: string, ...groups: string[]): ReturnType<typeof askRoom> => {
  client.served = new ServedGroups({ groups: groups.map((name) => ({ name, versions: [] })) });
  return askRoom(client, flavour, 'team', new AbortController().signal);
};

beforeEach(async () => {
  server = await FakeApiServer.start(0, identity);
  client = new ApiClient(server.access);
  answers = {};
  server.answer = ({ path }) => answers[path] ?? { status: 404, body: failure(404, 'NotFound', 'no such thing') };
});
afterEach(async () => {
  client.close();
  await server.close();
});

describe('what is asked of a cluster', () => {
  it('is known as far as it is there and may be read', async () => {
    answers = {
      '/api/v1/pods': forbidden,
      '/api/v1/namespaces/team/resourcequotas': list({ metadata: { name: 'team' } }),
      '/apis/kubevirt.io/v1/kubevirts': list({ spec: { configuration: { developerConfiguration: { memoryOvercommit: 150 } } } }),
      '/apis/metrics.k8s.io/v1beta1/nodes': list({ metadata: { name: 'node-1' }, usage: { cpu: '1', memory: '3Gi' } }),
    };
    expect(await ask('kubevirt', 'kubevirt.io', 'metrics.k8s.io')).toEqual({
      ratios: { ...kubeVirtRatios, memoryOvercommit: 150 },
      quotas: [{ metadata: { name: 'team' } }],
      memoryUsed: new Map([['node-1', 3 * 2 ** 30]]),
    });
    expect(server.requests.filter((line) => line.includes('longhorn'))).toEqual([]);
  });

  it('is Longhorn’s rule and Harvester’s overcommit where these are', async () => {
    answers = {
      '/apis/longhorn.io/v1beta2/nodes': list({ metadata: { name: 'node-1' } }),
      '/apis/longhorn.io/v1beta2/settings': list({ metadata: { name: 'storage-over-provisioning-percentage' }, value: '200' }),
      '/apis/harvesterhci.io/v1beta1/settings/overcommit-config': { status: 200, body: { value: '', default: '{"cpu":1600,"memory":120}' } },
    };
    expect(await ask('harvester', 'longhorn.io', 'harvesterhci.io')).toMatchObject({
      ratios: { harvester: { cpu: 1600, memory: 120 } },
      longhorn: { overProvisioning: 200, minimalAvailable: 25, nodes: [{ metadata: { name: 'node-1' } }] },
    });
  });

  it('is little of the engine, which has no pods and no quotas', async () => {
    await ask('engine', 'metrics.k8s.io');
    expect([...server.requests].sort()).toEqual(['GET /apis/metrics.k8s.io/v1beta1/nodes', 'GET /apis/storage.k8s.io/v1/storageclasses']);
  });

  it('does without metrics while their server is away', async () => {
    answers['/apis/metrics.k8s.io/v1beta1/nodes'] = { status: 503, body: failure(503, 'ServiceUnavailable', 'the server is currently unable to handle the request') };
    answers['/apis/storage.k8s.io/v1/storageclasses'] = list();
    expect(await ask('engine', 'metrics.k8s.io')).toEqual({ ratios: kubeVirtRatios, classes: [] });
  });

  it('fails where the cluster fails, so that what was known stays', async () => {
    answers['/apis/storage.k8s.io/v1/storageclasses'] = { status: 500, body: failure(500, 'InternalError', 'etcd is away') };
    await expect(ask('kubevirt')).rejects.toMatchObject({ message: expect.stringContaining('etcd is away') as string });
  });
});

import { afterAll, beforeAll, expect, it } from 'vitest';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import { ApiClient } from '../clusters/api-client.ts';
import { FakeApiServer, failure } from '../clusters/fake-api-server.ts';
import { editMachine } from './parts.ts';

const ref = { clusterId: 'home', namespace: 'default', name: 'web' };
const path = '/apis/kubevirt.io/v1/namespaces/default/virtualmachines/web';
let server: FakeApiServer;
let client: ApiClient;
let revision = 1;
/** How many writes somebody else gets in before. */
let quicker = 0;

beforeAll(async () => {
  server = await FakeApiServer.start();
  client = new ApiClient(server.access);
  server.answer = ({ method, path: asked, body }) => {
    if (asked !== path) return { status: 404, body: failure(404, 'NotFound', 'not found') };
    const current = { metadata: { name: 'web', resourceVersion: String(revision) }, spec: { template: { spec: { domain: { devices: {} } } } } };
    if (method === 'GET') return { status: 200, body: current };
    if (quicker > 0) {
      quicker -= 1;
      revision += 1;
    }
    const sent = (body as VirtualMachine).metadata.resourceVersion;
    return sent === String(revision) ? { status: 200, body } : { status: 409, body: failure(409, 'Conflict', 'the object has been modified') };
  };
});

afterAll(async () => {
  client.close();
  await server.close();
});

it('makes a change again on what somebody else wrote meanwhile, and gives up when that goes on', async () => {
  quicker = 2;
  const seen: (string | undefined)[] = [];
  const { machine } = await editMachine(client, ref, ({ metadata }) => seen.push(metadata.resourceVersion));
  expect([seen, machine.metadata.resourceVersion]).toEqual([['1', '2', '3'], '3']);
  quicker = 100;
  await expect(editMachine(client, ref, () => undefined)).rejects.toMatchObject({ code: 'conflict' });
});

it('says that the machine is gone', async () => {
  await expect(editMachine(client, { ...ref, name: 'gone' }, () => undefined)).rejects.toMatchObject({
    code: 'not-found',
    message: 'There is no machine “gone” any more. It may have been deleted, here or elsewhere.',
  });
});

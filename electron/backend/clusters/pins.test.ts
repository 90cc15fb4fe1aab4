import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import { ClusterConnection } from './connection.ts';
import { FakeApiServer, selfSigned } from './fake-api-server.ts';
import { virtualMachines } from './kinds.ts';

const path = '/apis/kubevirt.io/v1/virtualmachines';
const identity = selfSigned();
const key = 'default/web';

let server: FakeApiServer;
let cluster: ClusterConnection;

const machine = (guest: string): VirtualMachine => ({
  apiVersion: 'kubevirt.io/v1',
  kind: 'VirtualMachine',
  metadata: { name: 'web', namespace: 'default', labels: { app: 'shop' }, annotations: { note: 'long' } },
  spec: { runStrategy: 'Halted', template: { spec: { domain: { memory: { guest }, machine: { type: 'q35' }, devices: { disks: [{ name: 'root', disk: { bus: 'virtio' } }] } }, volumes: [{ name: 'root', dataVolume: { name: 'web-root' } }, { name: 'seed', cloudInitNoCloud: { userData: '#cloud-config' } }] } } },
});

const known = (): VirtualMachine | undefined => cluster.cache(virtualMachines).objects.get(key);

beforeEach(async () => {
  server = await FakeApiServer.start(0, identity);
  cluster = new ClusterConnection({ id: 'fake', name: 'Fake', local: false, changed: () => undefined, warn: () => undefined });
  server.put(path, machine('1Gi'));
});
afterEach(async () => {
  cluster.close();
  await server.close();
});

async function look(): Promise<void> {
  cluster.cache(virtualMachines).watch(() => undefined);
  cluster.connect(server.access);
  await vi.waitFor(() => expect(server.watchers).toBe(1));
}

describe('a kind with many objects', () => {
  it('keeps of each what lists need', async () => {
    await look();
    const { metadata, spec } = known() ?? machine('');
    expect(metadata).toMatchObject({ name: 'web', labels: { app: 'shop' } });
    expect(metadata.annotations).toBeUndefined();
    expect(spec).toEqual({
      runStrategy: 'Halted',
      template: { spec: { domain: { memory: { guest: '1Gi' }, devices: {} }, volumes: [{ name: 'root', dataVolume: { name: 'web-root' } }, { name: 'seed' }] } },
    });
    expect(cluster.cache(virtualMachines).whole(key)).toBeUndefined();
  });

  it('has the whole of a pinned one from the list, and from each change', async () => {
    const pin = cluster.cache(virtualMachines).pin(key);
    await look();
    expect(cluster.cache(virtualMachines).whole(key)).toMatchObject({ metadata: { annotations: { note: 'long' } } });
    server.put(path, machine('2Gi'));
    await vi.waitFor(() => expect(known()?.spec.template.spec.domain.memory?.guest).toBe('2Gi'));
    expect(known()?.spec.template.spec.domain.machine).toEqual({ type: 'q35' });
    pin.release();
    expect(known()?.spec.template.spec.domain.machine).toBeUndefined();
    expect(known()?.spec.template.spec.domain.memory?.guest).toBe('2Gi');
  });

  it('asks for the whole of one that it knows already, and tells when it has it', async () => {
    await look();
    server.answer = ({ path: asked }) => (asked === '/apis/kubevirt.io/v1/namespaces/default/virtualmachines/web' ? { status: 200, body: machine('1Gi') } : undefined);
    const told = vi.fn();
    cluster.cache(virtualMachines).watch(told);
    const [first, second] = [cluster.cache(virtualMachines).pin(key), cluster.cache(virtualMachines).pin(key)];
    await Promise.all([first.ready, second.ready]);
    expect(cluster.cache(virtualMachines).whole(key)).toMatchObject({ metadata: { annotations: { note: 'long' } } });
    expect(told).toHaveBeenCalledExactlyOnceWith(new Set([key]));
    first.release();
    first.release();
    expect(cluster.cache(virtualMachines).whole(key)).toBeDefined();
    second.release();
    expect(cluster.cache(virtualMachines).whole(key)).toBeUndefined();
  });

  it('keeps an object that nobody foresaw as it is', async () => {
    server.put(path, { ...machine('1Gi'), spec: { template: {} } } as VirtualMachine);
    await look();
    expect(known()?.metadata.annotations).toEqual({ note: 'long' });
  });
});

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Cluster } from '#shared/contract/clusters.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import { ClusterConnection } from './connection.ts';
import { failure, FakeApiServer, selfSigned } from './fake-api-server.ts';
import { virtualMachines } from './kinds.ts';

const path = '/apis/kubevirt.io/v1/virtualmachines';
const identity = selfSigned();

let server: FakeApiServer;
let cluster: ClusterConnection;
let states: Cluster['state'][];

const machine = (name: string, note = ''): KubeObject => ({
  apiVersion: 'kubevirt.io/v1',
  kind: 'VirtualMachine',
  metadata: { name, namespace: 'default', annotations: { note } },
});

const names = (): string[] => [...cluster.cache(virtualMachines).objects.keys()].map((key) => key.split('/')[1] ?? '').sort();
const asked = (what: string): number => server.requests.filter((line) => line === what).length;

beforeEach(async () => {
  server = await FakeApiServer.start(0, identity);
  states = [];
  cluster = new ClusterConnection({ id: 'fake', name: 'Fake', local: false, changed: (view) => states.push(view.state), warn: () => undefined });
});
afterEach(async () => {
  cluster.close();
  await server.close();
});

/** Watches, and waits until the fake server has a watcher. */
async function look(listener: (keys: ReadonlySet<string>) => void = () => undefined): Promise<() => void> {
  const stop = cluster.cache(virtualMachines).watch(listener);
  cluster.connect(server.access);
  await vi.waitFor(() => expect(server.watchers).toBe(1));
  return stop;
}

describe('a watched kind', () => {
  it('knows the list, and each change as it comes', async () => {
    server.put(path, machine('a'));
    const changes: string[][] = [];
    await look((keys) => changes.push([...keys]));
    expect(names()).toEqual(['a']);
    server.put(path, machine('b'));
    server.put(path, machine('a', 'new'));
    server.remove(path, 'default', 'b');
    await vi.waitFor(() => expect(changes).toEqual([['default/a'], ['default/b'], ['default/a'], ['default/b']]));
    expect(names()).toEqual(['a']);
    expect(cluster.view).toMatchObject({ state: 'ready', flavour: 'kubevirt', version: 'v1.34.0-fake' });
  });

  it('is watched once for everyone', async () => {
    await look();
    cluster.cache(virtualMachines).watch(() => undefined);
    server.put(path, machine('a'));
    await vi.waitFor(() => expect(names()).toEqual(['a']));
    expect(asked(`WATCH ${path}`)).toBe(1);
  });

  it('goes on where it was when the line is cut, without fetching the list again', async () => {
    await look();
    server.endWatches('cut');
    server.put(path, machine('meanwhile'));
    await vi.waitFor(() => expect(names()).toEqual(['meanwhile']));
    expect(asked(`GET ${path}`)).toBe(1);
  });

  it('goes on from the last bookmark', async () => {
    await look();
    server.bookmark(path, 500);
    server.forget();
    server.bookmark(path, 501);
    server.endWatches('end');
    await vi.waitFor(() => expect(asked(`WATCH ${path}`)).toBe(2));
    await vi.waitFor(() => expect(server.watchers).toBe(1));
    expect(asked(`GET ${path}`)).toBe(1);
  });

  it('fetches the list again when its revision has expired, and tells only what is different', async () => {
    server.put(path, machine('a'));
    server.put(path, machine('b'));
    const changes: string[][] = [];
    await look((keys) => changes.push([...keys]));
    server.endWatches('cut');
    server.remove(path, 'default', 'b');
    server.forget();
    await vi.waitFor(() => expect(names()).toEqual(['a']));
    expect(changes).toEqual([['default/a', 'default/b'], ['default/b']]);
    expect(states).not.toContain('unreachable');
  });

  it('fetches the list again when a running watch is told that it has expired', async () => {
    await look();
    server.forget('now');
    await vi.waitFor(() => expect(asked(`WATCH ${path}`)).toBe(2));
    expect(asked(`GET ${path}`)).toBe(2);
    expect(states).not.toContain('unreachable');
  });

  it('takes line separators inside of texts for what they are', async () => {
    await look();
    server.put(path, machine('a', 'one\u2028two\u2029three'));
    await vi.waitFor(() => expect(cluster.cache(virtualMachines).objects.get('default/a')?.metadata.annotations).toEqual({ note: 'one\u2028two\u2029three' }));
  });

  it('understands events that come in pieces', async () => {
    await look();
    const line = `${JSON.stringify({ type: 'ADDED', object: machine('grüße') })}\n`;
    const bytes = Buffer.from(line);
    const middle = bytes.indexOf('ü') + 1;
    server.write(path, bytes.subarray(0, middle));
    await vi.waitFor(() => expect(cluster.view.state).toBe('ready'));
    server.write(path, bytes.subarray(middle));
    await vi.waitFor(() => expect(names()).toEqual(['grüße']));
  });
});

describe('a cluster', () => {
  it('keeps what is known when it goes, and is back at once when told that it is', async () => {
    server.put(path, machine('a'));
    await look();
    const { port } = server;
    await server.close();
    await vi.waitFor(() => expect(cluster.view.state).toBe('unreachable'));
    expect(names()).toEqual(['a']);
    expect(cluster.view.lastSeen).toBeGreaterThan(0);
    expect(cluster.view.error).toMatchObject({ code: 'unreachable', retryable: true });
    await expect(cluster.client()).rejects.toMatchObject({ code: 'unreachable' });

    server = await FakeApiServer.start(port, identity);
    server.put(path, machine('b'));
    const begun = performance.now();
    cluster.connect(server.access);
    await vi.waitFor(() => expect(names()).toEqual(['b']), { interval: 5 });
    expect(performance.now() - begun).toBeLessThan(200);
    expect(cluster.view.state).toBe('ready');
  });

  it('is unauthorized when its token is refused, and says what to do', async () => {
    cluster.connect({ ...server.access, token: 'wrong' });
    await vi.waitFor(() => expect(cluster.view.state).toBe('unauthorized'));
    expect(cluster.view.error).toMatchObject({ code: 'unauthorized', hint: expect.stringContaining('kubeconfig') as string });
    cluster.connect(server.access);
    await vi.waitFor(() => expect(cluster.view.state).toBe('ready'));
  });

  it('is untrusted when its certificate is another one', async () => {
    cluster.connect({ ...server.access, ca: (await selfSigned()).cert });
    await vi.waitFor(() => expect(cluster.view.error?.code).toBe('untrusted'));
    expect(server.requests).toEqual([]);
  });

  it('is degraded while one kind may not be read', async () => {
    server.answer = ({ path: asked }) => (asked === path ? { status: 403, body: failure(403, 'Forbidden', 'no') } : undefined);
    const stop = cluster.cache(virtualMachines).watch(() => undefined);
    cluster.connect(server.access);
    await vi.waitFor(() => expect(cluster.view).toMatchObject({ state: 'degraded', error: { code: 'forbidden' } }));
    await expect(cluster.client()).resolves.toBeDefined();
    server.answer = () => undefined;
    await vi.waitFor(() => expect(cluster.view.state).toBe('ready'));
    stop();
  });

  it('lets those who ask early wait for the first answer', async () => {
    const early = cluster.client();
    cluster.connect(server.access);
    await expect(early).resolves.toBeDefined();
  });

  it('is what it says it is, not just something that answers', async () => {
    server.server.removeAllListeners('request').on('request', (_, response) => response.end('<html>Log in</html>'));
    cluster.connect(server.access);
    await vi.waitFor(() => expect(cluster.view.error?.code).toBe('unsupported'));
  });
});

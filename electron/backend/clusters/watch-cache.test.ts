import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
  metadata: { name, namespace: 'default', labels: { note } },
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

  it('is fetched in pages, and shown from the first one on', async () => {
    for (let n = 0; n < 1200; n += 1) server.put(path, machine(`m${n}`));
    const sizes: number[] = [];
    cluster.cache(virtualMachines).watch(() => sizes.push(cluster.cache(virtualMachines).objects.size));
    cluster.connect(server.access);
    await cluster.cache(virtualMachines).settled();
    expect(sizes).toEqual([100]);
    await cluster.cache(virtualMachines).completed();
    expect(sizes).toEqual([100, 600, 1100, 1200]);
    expect(asked(`GET ${path}`)).toBe(4);
  });

  it('is fetched whole when the server forgets the list between two pages', async () => {
    for (let n = 0; n < 700; n += 1) server.put(path, machine(`m${n}`));
    let pages = 0;
    server.answer = ({ query }) => {
      if (query.has('limit')) pages += 1;
      if (query.has('continue')) server.forget();
      return undefined;
    };
    await look();
    expect(names()).toHaveLength(700);
    expect(pages).toBe(2);
    expect(asked(`GET ${path}`)).toBe(3);
  });

  it('keeps what is known while the list is fetched again, and then takes away what is gone', async () => {
    for (let n = 0; n < 600; n += 1) server.put(path, machine(`m${n}`));
    await look();
    server.remove(path, 'default', 'm3');
    server.endWatches('cut');
    server.forget();
    const sizes = new Set<number>();
    cluster.cache(virtualMachines).watch(() => sizes.add(cluster.cache(virtualMachines).objects.size));
    await vi.waitFor(() => expect(names()).toHaveLength(599));
    expect(sizes).toEqual(new Set([599]));
  });

  it('leaves a server alone for as long as it asks for', async () => {
    const times: number[] = [];
    server.answer = ({ path: at }) => {
      if (at !== path) return undefined;
      times.push(performance.now());
      return times.length < 3 ? { status: 429, headers: { 'retry-after': '1' }, body: failure(429, 'TooManyRequests', 'slow down') } : undefined;
    };
    server.put(path, machine('a'));
    await Promise.all([look(), vi.waitFor(() => expect(names()).toEqual(['a']), { timeout: 5000 })].map((done) => done.catch(() => undefined)));
    expect(names()).toEqual(['a']);
    const [first = 0, second = 0, third = 0] = times;
    expect(second - first).toBeGreaterThan(990);
    expect(third - second).toBeGreaterThan(990);
  });

  it('is tried again when its answer was cut off', async () => {
    let cut = true;
    server.put(path, machine('a'));
    server.answer = ({ path: at, query }) => {
      if (at !== path || query.has('watch') || !cut) return undefined;
      cut = false;
      return { status: 200, body: '{"kind":"List","items":[{"metad' };
    };
    await look();
    expect(names()).toEqual(['a']);
    expect(states).not.toContain('degraded');
  });

  it('has no managed fields', async () => {
    const object = machine('a');
    object.metadata.managedFields = [{ manager: 'kubectl' }];
    server.put(path, object);
    await look();
    expect(cluster.cache(virtualMachines).objects.get('default/a')?.metadata).not.toHaveProperty('managedFields');
  });

  it('takes line separators inside of texts for what they are', async () => {
    await look();
    server.put(path, machine('a', 'one\u2028two\u2029three'));
    await vi.waitFor(() => expect(cluster.cache(virtualMachines).objects.get('default/a')?.metadata.labels).toEqual({ note: 'one\u2028two\u2029three' }));
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

  it('is not asked again and again with credentials that it refused', async () => {
    cluster.cache(virtualMachines).watch(() => undefined);
    cluster.connect({ ...server.access, token: 'wrong' });
    await vi.waitFor(() => expect(cluster.view.state).toBe('unauthorized'));
    const asked = server.requests.length;
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(server.requests.length - asked).toBeLessThanOrEqual(2);
  });

  it('is untrusted when its certificate is another one', async () => {
    cluster.connect({ ...server.access, ca: (await selfSigned()).cert });
    await vi.waitFor(() => expect(cluster.view.error?.code).toBe('untrusted'));
    expect(server.requests).toEqual([]);
  });

  it('is degraded while machines may not be read', async () => {
    server.answer = ({ path: asked }) => (asked.endsWith('/virtualmachines') ? { status: 403, body: failure(403, 'Forbidden', 'no') } : undefined);
    const stop = cluster.cache(virtualMachines).watch(() => undefined);
    cluster.connect(server.access);
    await vi.waitFor(() => expect(cluster.view).toMatchObject({ state: 'degraded', error: { code: 'forbidden' } }), { timeout: 4000 });
    await expect(cluster.client()).resolves.toBeDefined();
    server.answer = () => undefined;
    await vi.waitFor(() => expect(cluster.view.state).toBe('ready'), { timeout: 5000 });
    stop();
  });

  it('shows the namespace of the kubeconfig where the user may not read more', async () => {
    const own = '/apis/kubevirt.io/v1/namespaces/team/virtualmachines';
    server.answer = ({ path: at }) => (at === path ? { status: 403, body: failure(403, 'Forbidden', 'no') } : undefined);
    server.put(own, { ...machine('a'), metadata: { name: 'a', namespace: 'team' } });
    cluster.cache(virtualMachines).watch(() => undefined);
    cluster.connect({ ...server.access, namespace: 'team' });
    await cluster.cache(virtualMachines).completed();
    expect([...cluster.cache(virtualMachines).objects.keys()]).toEqual(['team/a']);
    await vi.waitFor(() => expect(server.watchers).toBe(1));
    server.put(own, { ...machine('b'), metadata: { name: 'b', namespace: 'team' } });
    await vi.waitFor(() => expect([...cluster.cache(virtualMachines).objects.keys()]).toEqual(['team/a', 'team/b']));
    expect(cluster.view.state).toBe('ready');
  });

  it('takes the new token of a file when the server takes the old one no more', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hayloft-token-'));
    const tokenFile = join(folder, 'token');
    writeFileSync(tokenFile, server.token);
    cluster.connect({ ...server.access, tokenFile });
    await cluster.client();
    server.token = 'another';
    await expect((await cluster.client()).call('GET', '/version')).rejects.toMatchObject({ code: 'unauthorized' });
    await vi.waitFor(() => expect(cluster.view.state).toBe('unauthorized'));
    writeFileSync(tokenFile, 'another\n');
    await vi.waitFor(() => expect(cluster.view.state).toBe('ready'), { timeout: 4000 });
    rmSync(folder, { recursive: true });
  });

  it('asks a program for credentials again when the server refuses those from before, and goes on', async () => {
    const given: boolean[] = [];
    let current = server.token;
    const renew = (refused: boolean): Promise<{ token: string }> => {
      given.push(refused);
      if (refused) current = server.token;
      return Promise.resolve({ token: current });
    };
    cluster.connect({ server: server.access.server, ca: server.access.ca ?? '', renew });
    const client = await cluster.client();
    server.token = 'another';
    await expect(client.call('GET', '/version')).resolves.toBeDefined();
    expect(given.filter(Boolean)).toHaveLength(1);
    expect(states).not.toContain('unauthorized');
  });

  it('is degraded while the server answers with faults of its own', async () => {
    cluster.connect(server.access);
    await cluster.client();
    server.answer = () => ({ status: 500, body: failure(500, 'InternalError', 'etcd is gone') });
    await vi.waitFor(() => expect(cluster.view).toMatchObject({ state: 'degraded', error: { message: 'etcd is gone' } }), { timeout: 5000 });
    server.answer = () => undefined;
    await vi.waitFor(() => expect(cluster.view.state).toBe('ready'), { timeout: 5000 });
  });

  it('is left alone for a while when one action meets a server with too much to do', async () => {
    cluster.connect(server.access);
    const client = await cluster.client();
    let refusals = 1;
    server.answer = ({ method }) => (method === 'PUT' && refusals-- > 0 ? { status: 429, headers: { 'retry-after': '1' } } : undefined);
    const begun = performance.now();
    await client.call('PUT', '/anything');
    expect(performance.now() - begun).toBeGreaterThan(990);
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

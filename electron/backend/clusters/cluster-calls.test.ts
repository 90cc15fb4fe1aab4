import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import type { Diagnosis } from '#shared/contract/clusters.ts';
import { clusterCalls } from './cluster-calls.ts';
import { Clusters } from './clusters.ts';
import { failure, FakeApiServer, selfSigned } from './fake-api-server.ts';

const { signal } = new AbortController();
const context = { signal };
let folder = '';
let clusters: Clusters;
let calls: ReturnType<typeof clusterCalls>;
const servers: FakeApiServer[] = [];
const listeners: Server[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hayloft-clusters-'));
  clusters = new Clusters(join(folder, 'clusters'), { warn: () => undefined });
  calls = clusterCalls(clusters);
});
afterEach(async () => {
  clusters.close();
  for (const server of servers.splice(0)) await server.close();
  for (const listener of listeners.splice(0)) listener.close();
  rmSync(folder, { recursive: true });
});

async function serve(identity?: Parameters<typeof selfSigned>[0]): Promise<FakeApiServer> {
  const server = await FakeApiServer.start(0, selfSigned(identity));
  servers.push(server);
  return server;
}

interface Change {
  server?: string;
  ca?: string | undefined;
  user?: object;
}

function kubeconfig({ access }: FakeApiServer, change: Change = {}): string {
  const ca = 'ca' in change ? change.ca : access.ca;
  return stringify({
    'current-context': 'home',
    clusters: [{ name: 'c', cluster: { server: change.server ?? access.server, ...(ca === undefined ? {} : { 'certificate-authority-data': Buffer.from(ca).toString('base64') }) } }],
    users: [{ name: 'u', user: change.user ?? { token: access.token } }],
    contexts: [{ name: 'home', context: { cluster: 'c', user: 'u' } }],
  });
}

async function draft(text: string): Promise<string> {
  const { drafts } = await calls['clusters.read']({ text, origin: 'The pasted text' }, context);
  return drafts[0]?.draftId ?? '';
}

async function test(text: string, more: object = {}): Promise<Diagnosis> {
  return calls['clusters.test']({ draftId: await draft(text), context: 'home', ...more }, context);
}

const verdicts = ({ checks }: Diagnosis): string[] => checks.map(({ id, status }) => `${id} ${status}`);
const last = ({ checks }: Diagnosis): string => checks.at(-1)?.found ?? '';

describe('a test of the way to a cluster', () => {
  it('goes through every step', async () => {
    const result = await test(kubeconfig(await serve()));
    expect(verdicts(result)).toEqual(['name ok', 'connection ok', 'certificate ok', 'answer ok', 'machines ok']);
    expect(result.usable).toBe(true);
  });

  it('says that a name is unknown', async () => {
    const result = await test(kubeconfig(await serve(), { server: 'https://no-such-host.invalid:6443' }));
    expect(verdicts(result)).toEqual(['name blocker']);
    expect(last(result)).toContain('no-such-host.invalid');
  });

  it('says that nothing listens', async () => {
    const server = await serve();
    const text = kubeconfig(server);
    await server.close();
    const result = await test(text);
    expect(verdicts(result)).toEqual(['name ok', 'connection blocker']);
    expect(last(result)).toContain('nothing listens on its port');
  });

  it('says that what listens does not speak TLS', async () => {
    const listener = createServer((socket) => socket.on('error', () => undefined).end('SSH-2.0-OpenSSH_9.2\r\n')).listen(0, '127.0.0.1');
    listeners.push(listener);
    await once(listener, 'listening');
    const { port } = listener.address() as AddressInfo;
    const result = await test(kubeconfig(await serve(), { server: `https://127.0.0.1:${port}` }));
    expect(verdicts(result)).toEqual(['name ok', 'connection ok', 'certificate blocker']);
    expect(last(result)).toContain('does not speak TLS');
  });

  it('says that a certificate has run out, beside what the clock says', async () => {
    const server = await serve({ notBefore: new Date('2020-01-01'), notAfter: new Date('2021-01-01') });
    expect(last(await test(kubeconfig(server)))).toContain('It was valid until 2021-01-01, and this computer’s clock says 20');
  });

  it('says to whom a certificate is made out', async () => {
    const result = await test(kubeconfig(await serve({ address: '10.9.8.7' })));
    expect(last(result)).toBe('It is made out to 10.9.8.7, not to 127.0.0.1.');
  });

  it.each([
    [401, 'does not know these credentials (401)'],
    [403, 'may not even ask what it is (403)'],
    [404, 'What answers there is not Kubernetes'],
  ])('says what an answer of %i means', async (status, words) => {
    const server = await serve();
    server.answer = () => ({ status, body: failure(status, '', 'no') });
    expect(last(await test(kubeconfig(server)))).toContain(words);
  });

  it('says that a client certificate has run out', async () => {
    const server = await serve();
    const { cert, key } = await selfSigned({ notBefore: new Date('2020-01-01'), notAfter: new Date('2021-01-01') });
    const user = { 'client-certificate-data': Buffer.from(cert).toString('base64'), 'client-key-data': Buffer.from(key).toString('base64') };
    expect(last(await test(kubeconfig(server, { user })))).toBe('The client certificate of fake-api-server was valid until 2021-01-01.');
  });
});

describe('a cluster with an authority that nobody vouches for', () => {
  it('is trusted by its fingerprint, and by nothing else', async () => {
    const server = await serve();
    const text = kubeconfig(server, { ca: undefined });
    const result = await test(text);
    expect(verdicts(result).at(-1)).toBe('certificate blocker');
    const trust = result.authority?.fingerprint ?? '';
    expect(trust).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
    expect(server.requests).toEqual([]);
    await expect(test(text, { trust: trust.replace(/^../, trust.startsWith('00') ? '11' : '00') })).rejects.toMatchObject({ code: 'untrusted' });
    expect((await test(text, { trust })).usable).toBe(true);
    const { clusterId } = await calls['clusters.add']({ draftId: await draft(text), context: 'home', name: 'Attic', trust }, context);
    await vi.waitFor(() => expect(clusters.get(clusterId).view.state).toBe('ready'));
  });

  it('is not the cluster any more once another stands in its place', async () => {
    const first = await serve();
    const second = await serve();
    const result = await test(kubeconfig(second, { ca: first.access.ca }));
    expect(last(result)).toBe('It is not signed by the authority that the kubeconfig vouches for.');
    expect(second.requests).toEqual([]);
  });
});

describe('a program in a kubeconfig', () => {
  const mark = (): string => join(folder, 'was-run');
  const hostile = (): object => ({
    exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'sh', args: ['-c', `touch ${mark()}; echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"fake-token"}}'`], interactiveMode: 'Never' },
  });

  it('is shown, and not run before somebody agreed to that very command', async () => {
    const text = kubeconfig(await serve(), { user: hostile() });
    const { drafts } = await calls['clusters.read']({ text, origin: 'The file' }, context);
    const program = drafts[0]?.contexts[0]?.program ?? '';
    expect(program).toMatch(/^sh -c 'touch /);
    await expect(test(text)).rejects.toMatchObject({ code: 'untrusted' });
    await expect(test(text, { program: 'sh -c true' })).rejects.toMatchObject({ code: 'untrusted' });
    expect(existsSync(mark())).toBe(false);
    expect((await test(text, { program })).usable).toBe(true);
    expect(existsSync(mark())).toBe(true);
  });

  it('is not run when it comes in a file that was put there, nor when its command was changed', async () => {
    const server = await serve();
    const path = join(folder, 'clusters', 'put.yaml');
    writeFileSync(path, kubeconfig(server, { user: hostile() }));
    await vi.waitFor(() => expect(clusters.get('put').view.error).toMatchObject({ code: 'untrusted' }));
    const text = kubeconfig(server, { user: hostile() });
    const { drafts } = await calls['clusters.read']({ text, origin: 'The file' }, context);
    const program = drafts[0]?.contexts[0]?.program ?? '';
    const { clusterId } = await calls['clusters.add']({ draftId: drafts[0]?.draftId ?? '', context: 'home', name: 'Agreed', program }, context);
    await vi.waitFor(() => expect(clusters.get(clusterId).view.state).toBe('ready'));
    rmSync(mark());
    const kept = clusters.file(clusterId).path;
    writeFileSync(kept, readFileSync(kept, 'utf8').replace('command: sh', 'command: bash'));
    await vi.waitFor(() => expect(clusters.get(clusterId).view.error).toMatchObject({ code: 'untrusted' }));
    expect(existsSync(mark())).toBe(false);
  });
});

describe('clusters', () => {
  it('are added, renamed, exported and removed, in files for their owner alone', async () => {
    const server = await serve();
    const { clusterId } = await calls['clusters.add']({ draftId: await draft(kubeconfig(server)), context: 'home', name: 'Attic' }, context);
    expect(clusterId).toBe('attic');
    const { path } = clusters.file(clusterId);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await vi.waitFor(() => expect(clusters.get(clusterId).view).toMatchObject({ name: 'Attic', state: 'ready', flavour: 'kubevirt' }));
    await calls['clusters.rename']({ clusterId, name: 'Cellar' }, context);
    expect(clusters.get(clusterId).view.name).toBe('Cellar');
    const { fileName, text } = await calls['clusters.export']({ clusterId }, context);
    expect(fileName).toBe('attic.yaml');
    expect(parse(text)).toMatchObject({ 'current-context': 'Cellar', users: [{ user: { token: server.access.token } }] });
    await calls['clusters.remove']({ clusterId }, context);
    expect(() => clusters.get(clusterId)).toThrow('no cluster');
    expect(readdirSync(join(folder, 'clusters'))).toEqual([]);
    expect(clusters.topic.values().map(({ id }) => id)).toEqual(['local']);
  });

  it('come, change and go with their files', async () => {
    const [first, second] = [await serve(), await serve()];
    const path = join(folder, 'clusters', 'lab.yaml');
    writeFileSync(path, kubeconfig(first));
    await vi.waitFor(() => expect(clusters.get('lab').view.state).toBe('ready'));
    writeFileSync(path, kubeconfig(second));
    await vi.waitFor(() => expect(clusters.get('lab').view).toMatchObject({ server: second.access.server, state: 'ready' }));
    writeFileSync(path, 'nonsense');
    await vi.waitFor(() => expect(clusters.get('lab').view.error).toMatchObject({ code: 'bad-input' }));
    rmSync(path);
    await vi.waitFor(() => expect(() => clusters.get('lab')).toThrow('no cluster'));
  });

  it('say in a draft what leads where already, and what is wrong with a context', async () => {
    const server = await serve();
    await calls['clusters.add']({ draftId: await draft(kubeconfig(server)), context: 'home', name: 'Attic' }, context);
    const { drafts } = await calls['clusters.read']({ text: kubeconfig(server, { user: { username: 'a', password: 'b' } }), origin: 'x' }, context);
    expect(drafts[0]?.contexts).toMatchObject([{ name: 'home', sameServerAs: 'Attic', problem: { code: 'unsupported' } }]);
  });
});

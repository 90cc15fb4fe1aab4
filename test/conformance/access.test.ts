/** Tokens and roles, as kubectl and the engine's own commands handle them. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { get, type RequestOptions } from 'node:https';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { beforeAll, describe, expect, it } from 'vitest';
import { repository } from '../rig/engine.ts';
import { connectEngine } from '../rig/engine-client.ts';
import { until } from '../rig/until.ts';
import { useEngine, type KubectlResult } from './conformance-engine.ts';

const engine = useEngine();
const machine = (name: string): object => ({
  apiVersion: 'kubevirt.io/v1',
  kind: 'VirtualMachine',
  metadata: { name, namespace: 'default' },
  spec: { runStrategy: 'Halted', template: { spec: { domain: { memory: { guest: '64Mi' }, devices: {} } } } },
});

/** One of the engine's own commands. */
function command(...words: string[]): KubectlResult {
  const main = join(repository, 'dist', 'engine', 'main.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...words, '--data-dir', engine.rig.dataDir], { encoding: 'utf8' });
  return { code: status ?? -1, stdout, stderr };
}

/** Makes a token, and returns the path of its kubeconfig. */
function tokenFor(name: string, role: string, ...more: string[]): string {
  const { code, stdout, stderr } = command('token', 'create', name, '--role', role, ...more);
  if (code !== 0) throw new Error(stderr);
  const path = join(engine.rig.dataDir, `${name}.kubeconfig`);
  writeFileSync(path, stdout, { mode: 0o600 });
  return path;
}

const as = (kubeconfig: string, ...args: string[]): KubectlResult => engine.run([`--kubeconfig=${kubeconfig}`, ...args]);

/** By a review of one's own: `kubectl auth can-i` asks only for what discovery knows. @param resource `plural.group/subresource` */
function mayDo(kubeconfig: string, verb: string, resource: string): string {
  const [kind = '', ...part] = resource.split('/');
  const [plural = '', ...group] = kind.split('.');
  const resourceAttributes = { verb, resource: plural, group: group.join('.'), subresource: part.join('/'), namespace: 'default' };
  const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', metadata: {}, spec: { resourceAttributes } };
  return engine.ok([`--kubeconfig=${kubeconfig}`, 'create', '-f', '-', '-o', 'jsonpath={.status.allowed}'], review);
}

describe('the three roles', () => {
  const files = { admin: '', operator: '', viewer: '' };
  beforeAll(() => {
    for (const role of ['admin', 'operator', 'viewer'] as const) files[role] = tokenFor(`the-${role}`, role);
    engine.ok(['apply', '-f', '-'], machine('shared'));
    engine.ok(['create', 'secret', 'generic', 'hidden', '--from-literal=a=b']);
  });

  it.each<['get' | 'list' | 'watch' | 'create' | 'update' | 'delete', string, string, string]>([
    // verb, resource, who may, who may not
    ['list', 'virtualmachines.kubevirt.io', 'admin operator viewer', ''],
    ['watch', 'datavolumes.cdi.kubevirt.io', 'admin operator viewer', ''],
    ['list', 'nodes', 'admin operator viewer', ''],
    ['list', 'storageclasses.storage.k8s.io', 'admin operator viewer', ''],
    ['list', 'events', 'admin operator viewer', ''],
    ['get', 'virtualmachineinstances.subresources.kubevirt.io/guestosinfo', 'admin operator viewer', ''],
    ['get', 'secrets', 'admin operator', 'viewer'],
    ['get', 'virtualmachineinstances.subresources.kubevirt.io/vnc', 'admin operator', 'viewer'],
    ['get', 'virtualmachineinstances.subresources.kubevirt.io/console', 'admin operator', 'viewer'],
    ['get', 'virtualmachineinstances.subresources.kubevirt.io/vnc/screenshot', 'admin operator', 'viewer'],
    ['update', 'virtualmachines.subresources.kubevirt.io/start', 'admin operator', 'viewer'],
    ['create', 'virtualmachines.kubevirt.io', 'admin operator', 'viewer'],
    ['delete', 'datavolumes.cdi.kubevirt.io', 'admin operator', 'viewer'],
    ['create', 'uploadtokenrequests.upload.cdi.kubevirt.io', 'admin operator', 'viewer'],
    ['create', 'virtualmachinesnapshots.snapshot.kubevirt.io', 'admin operator', 'viewer'],
    ['create', 'serviceaccounts/token', 'admin', 'operator viewer'],
    ['list', 'accesstokens.access.hayloft.io', 'admin', 'operator viewer'],
    ['create', 'clusterrolebindings.rbac.authorization.k8s.io', 'admin', 'operator viewer'],
    ['create', 'customresourcedefinitions.apiextensions.k8s.io', 'admin', 'operator viewer'],
    ['create', 'namespaces', 'admin', 'operator viewer'],
    ['delete', 'nodes', 'admin', 'operator viewer'],
  ])('%s %s: %s', (verb, resource, may, mayNot) => {
    for (const role of may.split(' ') as (keyof typeof files)[]) expect(mayDo(files[role], verb, resource), role).toBe('true');
    for (const role of mayNot.split(' ').filter(Boolean) as (keyof typeof files)[]) {
      expect(mayDo(files[role], verb, resource), role).toBe('false');
    }
  });

  it('reach to kinds that were added, for as long as they are there', async () => {
    const names = { kind: 'Cellar', plural: 'cellars', singular: 'cellar' };
    const openAPIV3Schema = { type: 'object', properties: { spec: { type: 'object', properties: { size: { type: 'integer' } } } } };
    engine.ok(['create', '-f', '-'], {
      ...{ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'cellars.home.example.org' } },
      spec: { group: 'home.example.org', names, scope: 'Namespaced', versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema } }] },
    });
    engine.ok(['wait', '--for=condition=Established', 'crd/cellars.home.example.org']);
    const cellar = { apiVersion: 'home.example.org/v1', kind: 'Cellar', metadata: { name: 'deep', namespace: 'default' }, spec: { size: 1 } };
    expect(engine.run([`--kubeconfig=${files.operator}`, 'apply', '-f', '-'], cellar).stdout).toContain('created');
    expect(as(files.viewer, 'get', 'cellars', '-o', 'name').stdout).toBe('cellar.home.example.org/deep\n');
    expect(as(files.viewer, 'delete', 'cellar', 'deep').stderr).toContain('cannot delete resource "cellars" in API group "home.example.org"');
    expect([mayDo(files.viewer, 'watch', 'cellars.home.example.org'), mayDo(files.viewer, 'patch', 'cellars.home.example.org')]).toEqual(['true', 'false']);
    expect(mayDo(files.operator, 'update', 'cellars.home.example.org/status')).toBe('false');
    expect(as(files.viewer, 'auth', 'can-i', '--list').stdout).toMatch(/cellars\.home\.example\.org\s+\[\]\s+\[\]\s+\[get list watch\]/);
    engine.ok(['delete', 'crd', 'cellars.home.example.org']);
    await until('the right to end with the kind', () => mayDo(files.viewer, 'get', 'cellars.home.example.org') === 'false');
  });

  it('and Kubernetes’ own take in the ClusterRoles that are labelled for them', () => {
    const labels = { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' };
    const rules = [{ apiGroups: ['garden.example.org'], resources: ['beds'], verbs: ['get'] }];
    engine.ok(['create', '-f', '-'], { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'beds-view', labels }, rules });
    for (const role of ['view', 'edit', 'admin', 'hayloft.io:viewer']) expect(engine.ok(['get', 'clusterrole', role, '-o', 'json'])).toContain('garden.example.org');
    expect(mayDo(files.viewer, 'get', 'beds.garden.example.org')).toBe('true');
    engine.ok(['delete', 'clusterrole', 'beds-view']);
    expect(engine.ok(['get', 'clusterrole', 'edit', '-o', 'json'])).not.toContain('garden.example.org');
    expect(mayDo(files.viewer, 'get', 'beds.garden.example.org')).toBe('false');
  });

  it('are refused in Kubernetes’ own words', () => {
    const who = 'system:serviceaccount:kube-system:the-viewer';
    expect(as(files.viewer, 'get', 'secret', 'hidden').stderr.trim()).toBe(
      `Error from server (Forbidden): secrets "hidden" is forbidden: User "${who}" cannot get resource "secrets" in API group "" in the namespace "default"`,
    );
    expect(as(files.viewer, 'get', 'secrets', '-A').stderr).toContain('cannot list resource "secrets" in API group "" at the cluster scope');
    expect(as(files.viewer, 'delete', 'vm', 'shared').stderr).toContain(
      `virtualmachines.kubevirt.io "shared" is forbidden: User "${who}" cannot delete resource "virtualmachines" in API group "kubevirt.io" in the namespace "default"`,
    );
    expect(as(files.viewer, 'get', '--raw', '/debug').stderr).toContain(`forbidden: User "${who}" cannot get path "/debug"`);
    expect(as(files.viewer, 'get', 'vm', '-o', 'name').stdout).toBe('virtualmachine.kubevirt.io/shared\n');
  });

  it('make and remove machines as an operator, and make nobody else’s rights', () => {
    const apply = engine.run([`--kubeconfig=${files.operator}`, 'apply', '-f', '-'], machine('theirs'));
    expect(apply.stdout).toContain('created');
    expect(as(files.operator, 'delete', 'vm', 'theirs').code).toBe(0);
    expect(as(files.operator, 'create', 'clusterrolebinding', 'mine', '--clusterrole=cluster-admin', '--user=me').stderr).toContain('is forbidden: User');
    expect(as(files.operator, 'create', 'token', 'the-admin', '-n', 'kube-system').stderr).toContain('cannot create resource "serviceaccounts/token"');
    expect(as(files.operator, '--as=hayloft', '--as-group=system:masters', 'get', 'nodes').stderr).toContain('cannot impersonate resource "users"');
  });

  it('know themselves', () => {
    expect(as(files.viewer, 'auth', 'can-i', 'get', 'vm').stdout).toBe('yes\n');
    expect(as(files.viewer, 'auth', 'can-i', 'create', 'vm').stdout).toBe('no\n');
    expect(as(files.viewer, 'auth', 'whoami').stdout).toMatch(/Username\s+system:serviceaccount:kube-system:the-viewer/);
    const rights = as(files.viewer, 'auth', 'can-i', '--list').stdout;
    expect(rights).toMatch(/\*\.kubevirt\.io\s+\[\]\s+\[\]\s+\[get list watch\]/);
    expect(rights).not.toContain('secrets');
    expect(engine.ok(['auth', 'can-i', 'delete', 'vm', '--as=system:serviceaccount:kube-system:the-operator'])).toBe('yes\n');
    expect(engine.run(['auth', 'can-i', 'delete', 'vm', '--as=somebody']).stdout).toBe('no\n');
  });

  it('are shown with when they were used, and never with the token', async () => {
    await until('the use to be written', () => /the-viewer .* viewer .*20\d\d-/.test(command('token', 'list').stdout));
    const secret = (connectEngine(files.viewer)).token;
    expect(secret).toMatch(/^hayloft_[\w-]{43}$/);
    expect(engine.ok(['get', 'accesstokens', '-A', '-o', 'yaml'])).not.toContain(secret);
    for (const file of ['engine.db', 'engine.db-wal', 'engine.log']) {
      expect(readFileSync(join(engine.rig.dataDir, file)).includes(secret), file).toBe(false);
    }
  });
});

describe('kubectl create token', () => {
  it('makes a token that has the rights of its account’s bindings, in one namespace alone', () => {
    engine.ok(['create', 'namespace', 'lab']);
    engine.ok(['create', 'serviceaccount', 'robot', '-n', 'lab']);
    engine.ok(['create', 'rolebinding', 'robot', '--clusterrole=kubevirt.io:edit', '--serviceaccount=lab:robot', '-n', 'lab']);
    const token = engine.ok(['create', 'token', 'robot', '-n', 'lab', '--duration=10m']).trim();
    // Without a kubeconfig of its own: the owner's would win over --token.
    const file = join(engine.rig.dataDir, 'robot.kubeconfig');
    writeFileSync(file, readFileSync(engine.rig.kubeconfig, 'utf8').replace(engine.rig.token, token));
    expect(as(file, 'get', 'vm', '-n', 'lab').code).toBe(0);
    expect(as(file, 'get', 'vm', '-n', 'default').stderr).toContain('Forbidden');
    expect(as(file, 'get', 'vm', '-A').stderr).toContain('at the cluster scope');
    expect(as(file, 'auth', 'can-i', 'create', 'vm', '-n', 'lab').stdout).toBe('yes\n');
    // A role of one's own, by name of the object.
    engine.ok(['create', 'role', 'one', '-n', 'lab', '--verb=get', '--resource=configmaps', '--resource-name=seen']);
    engine.ok(['create', 'rolebinding', 'one', '-n', 'lab', '--role=one', '--serviceaccount=lab:robot']);
    expect(as(file, 'get', 'configmap', 'seen', '-n', 'lab').stderr).toContain('NotFound');
    expect(as(file, 'get', 'configmap', 'other', '-n', 'lab').stderr).toContain('Forbidden');
    engine.ok(['delete', 'rolebinding', 'robot', 'one', '-n', 'lab']);
    expect(as(file, 'get', 'vm', '-n', 'lab').stderr).toContain('Forbidden');
    engine.ok(['delete', 'serviceaccount', 'robot', '-n', 'lab']);
    expect(as(file, 'get', 'vm', '-n', 'lab').stderr).toContain('Unauthorized');
    expect(engine.ok(['get', 'accesstokens', '-n', 'lab', '-o', 'name'])).toBe('');
  });

  it('refuses what it cannot honour', () => {
    engine.ok(['create', 'serviceaccount', 'brief']);
    expect(engine.refused(['create', 'token', 'brief', '--duration=1m'])).toContain('may not specify a duration less than 10 minutes');
    expect(engine.refused(['create', 'token', 'brief', '--audience=vault'])).toContain('spec.audiences');
    expect(engine.refused(['create', 'token', 'nobody'])).toContain('serviceaccounts "nobody" not found');
  });
});

describe('a revoked token', () => {
  it('ends the watches that it opened, at once, and is not good again after a restart', async () => {
    const file = tokenFor('passing', 'viewer', '--expires', '30d');
    const { token, ca, endpoint } = connectEngine(file);
    const options: RequestOptions = { ca, headers: { authorization: `Bearer ${token}` } };
    const watching = new Promise<boolean>((resolve, reject) => {
      get(`${endpoint}/apis/kubevirt.io/v1/virtualmachines?watch=1`, options, (answer) => {
        answer.on('error', () => undefined).on('close', () => resolve(answer.complete)).resume();
        const revoked = command('token', 'revoke', 'passing');
        if (revoked.code !== 0) reject(new Error(revoked.stderr));
      }).on('error', reject);
    });
    expect(await watching).toBe(false);
    expect(as(file, 'get', 'vm').stderr).toContain('Unauthorized');
    expect(command('token', 'revoke', 'passing')).toMatchObject({ code: 1 });
    expect(command('token', 'list').stdout).not.toContain('passing');
    for (const kind of ['serviceaccount', 'clusterrolebinding']) expect(engine.ok(['get', kind, '-A', '-o', 'name'])).not.toContain('passing');
  });

  it('ends the consoles that it opened', async () => {
    const file = tokenFor('console', 'operator');
    const running = { ...machine('screen'), spec: { ...(machine('screen') as { spec: object }).spec, runStrategy: 'Always' } };
    engine.ok(['apply', '-f', '-'], running);
    engine.ok(['wait', '--for=jsonpath={.status.phase}=Running', 'vmi/screen', '--timeout=60s']);
    const { token, ca, endpoint } = connectEngine(file);
    const path = '/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachineinstances/screen/vnc';
    const open = (bearer: string): WebSocket =>
      new WebSocket(`${endpoint.replace('https', 'wss')}${path}`, 'plain.kubevirt.io', { ca, headers: { authorization: `Bearer ${bearer}` } });
    const socket = open(token);
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    const viewer = connectEngine(join(engine.rig.dataDir, 'the-viewer.kubeconfig'));
    const refused = await new Promise((resolve) => open(viewer.token).on('error', () => undefined).once('unexpected-response', (_, answer) => resolve(answer.statusCode)));
    expect(refused).toBe(403);
    const ended = new Promise((resolve) => socket.once('close', resolve));
    const after = command('rotate', 'token', 'console');
    expect(after.stdout).toContain('hayloft_');
    await ended;
    writeFileSync(file, after.stdout);
    expect(as(file, 'get', 'vmi', 'screen', '-o', 'name').stdout).toContain('screen');
  });
});

import { describe, expect, it, vi } from 'vitest';
import type { ConfigMap, Secret } from '#shared/kube/core.ts';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import { until } from '../rig/until.ts';
import { useEngine } from './conformance-engine.ts';
import { configMap, machine } from './samples.ts';

const engine = useEngine();

const data = (name: string): Record<string, string> | undefined => engine.json<ConfigMap>(['get', 'configmap', name]).data;

describe('kubectl create', () => {
  it('makes config maps, secrets and namespaces from its own arguments', () => {
    engine.ok(['create', 'configmap', 'made', '--from-literal=a=1', '--from-literal=empty=']);
    expect(data('made')).toEqual({ a: '1', empty: '' });
    engine.ok(['create', 'secret', 'generic', 'hidden', '--from-literal=userdata=#cloud-config']);
    const secret = engine.json<Secret>(['get', 'secret', 'hidden']);
    expect(secret).toMatchObject({ type: 'Opaque', data: { userdata: Buffer.from('#cloud-config').toString('base64') } });
    engine.ok(['create', 'namespace', 'elsewhere']);
    expect(engine.ok(['get', 'namespace', 'elsewhere', '-o', 'jsonpath={.status.phase}'])).toBe('Active');
    expect(engine.refused(['create', 'namespace', 'elsewhere'])).toContain('namespaces "elsewhere" already exists');
  });

  it('completes generated names', () => {
    const made = engine.ok(['create', '-f', '-', '-o', 'name'], { ...configMap('', {}), metadata: { generateName: 'many-' } });
    expect(made).toMatch(/^configmap\/many-[a-z0-9]{5}\n$/);
  });

  it('needs the namespace to be there', () => {
    const answer = engine.refused(['create', '-n', 'nowhere', '-f', '-'], configMap('lost', {}));
    expect(answer).toContain('namespaces "nowhere" not found');
  });

  it('stores nothing with --dry-run=server, and says what it would', () => {
    const made = engine.ok(['create', '--dry-run=server', '-f', '-', '-o', 'yaml'], configMap('not-yet', { a: '1' }));
    expect(made).toMatch(/uid: [0-9a-f-]{36}/);
    expect(engine.refused(['get', 'configmap', 'not-yet'])).toContain('configmaps "not-yet" not found');
  });
});

describe('kubectl apply', () => {
  it('creates, changes and leaves alone', () => {
    const apply = (values: Record<string, string>): string => engine.ok(['apply', '-f', '-'], configMap('applied', values));
    expect(apply({ a: '1', b: '2' })).toContain('configmap/applied created');
    engine.ok(['patch', 'configmap', 'applied', '-p', '{"data":{"of-others":"stays"}}']);
    expect(apply({ a: '3' })).toContain('configmap/applied configured');
    expect(data('applied')).toEqual({ a: '3', 'of-others': 'stays' });
    expect(apply({ a: '3' })).toContain('configmap/applied unchanged');
  });

  it('does the same with a machine', () => {
    const wanted = machine('applied');
    expect(engine.ok(['apply', '-f', '-'], wanted)).toContain('virtualmachine.kubevirt.io/applied created');
    wanted.spec.template.spec.domain.memory = { guest: '96Mi' };
    expect(engine.ok(['apply', '-f', '-'], wanted)).toContain('configured');
    const stored = engine.json<VirtualMachine>(['get', 'vm', 'applied']);
    expect(stored.spec.template.spec.domain.memory?.guest).toBe('96Mi');
    expect(engine.ok(['apply', '-f', '-'], wanted)).toContain('unchanged');
    expect(engine.run(['diff', '-f', '-'], wanted)).toMatchObject({ code: 0, stdout: '' });
    engine.ok(['delete', 'vm', 'applied']);
  });
});

describe('kubectl patch', () => {
  it('takes merge patches, JSON patches and strategic merge patches', () => {
    engine.ok(['create', '-f', '-'], configMap('patched', { a: '1', b: '2', c: '3' }));
    const patch = (type: string, body: unknown): string => engine.ok(['patch', 'cm', 'patched', `--type=${type}`, '-p', JSON.stringify(body)]);
    patch('merge', { data: { a: null, b: 'two' } });
    expect(data('patched')).toEqual({ b: 'two', c: '3' });
    patch('json', [
      { op: 'test', path: '/data/b', value: 'two' },
      { op: 'add', path: '/data/d', value: '4' },
      { op: 'remove', path: '/data/c' },
    ]);
    expect(data('patched')).toEqual({ b: 'two', d: '4' });
    patch('strategic', { data: { $patch: 'replace', e: '5' } });
    expect(data('patched')).toEqual({ e: '5' });
    patch('strategic', { metadata: { finalizers: ['hayloft.io/one'] } });
    patch('strategic', { metadata: { finalizers: ['hayloft.io/two'] } });
    expect(engine.json<ConfigMap>(['get', 'cm', 'patched']).metadata.finalizers).toEqual(['hayloft.io/one', 'hayloft.io/two']);
    patch('merge', { metadata: { finalizers: null } });
  });

  it('refuses a JSON patch whose test fails', () => {
    engine.ok(['create', '-f', '-'], configMap('tested', { a: '1' }));
    const body = JSON.stringify([{ op: 'test', path: '/data/a', value: '2' }, { op: 'remove', path: '/data/a' }]);
    expect(engine.refused(['patch', 'cm', 'tested', '--type=json', '-p', body])).toContain('test');
    expect(data('tested')).toEqual({ a: '1' });
  });

  it('refuses strategic merge patches for machines, as a cluster does', () => {
    engine.ok(['create', '-f', '-'], machine('plain'));
    expect(engine.refused(['patch', 'vm', 'plain', '-p', '{"spec":{"runStrategy":"Halted"}}'])).toContain('--type=merge');
    engine.ok(['patch', 'vm', 'plain', '--type=merge', '-p', '{"metadata":{"labels":{"seen":"yes"}}}']);
    expect(engine.json<VirtualMachine>(['get', 'vm', 'plain']).metadata.labels).toEqual({ seen: 'yes' });
    engine.ok(['delete', 'vm', 'plain']);
  });

  it('labels and annotates', () => {
    engine.ok(['create', '-f', '-'], configMap('labelled', {}));
    engine.ok(['label', 'cm', 'labelled', 'tier=one']);
    engine.ok(['annotate', 'cm', 'labelled', 'example.com/note=hello']);
    expect(engine.refused(['label', 'cm', 'labelled', 'tier=two'])).toContain('already has a value');
    const { metadata } = engine.json<ConfigMap>(['get', 'cm', 'labelled']);
    expect(metadata).toMatchObject({ labels: { tier: 'one' }, annotations: { 'example.com/note': 'hello' } });
  });
});

describe('kubectl replace', () => {
  it('takes back what get -o yaml gave', async () => {
    engine.ok(['create', '-f', '-'], machine('round'));
    // The engine itself writes to new objects; a replacement between its reading and its writing would rightly be refused.
    await until('the machine\'s status', () => engine.json<VirtualMachine>(['get', 'vm', 'round']).status?.printableStatus === 'Stopped');
    const text = engine.ok(['get', 'vm', 'round', '-o', 'yaml']);
    expect(engine.ok(['replace', '-f', '-'], text)).toContain('replaced');
    const again = engine.ok(['get', 'vm', 'round', '-o', 'yaml']);
    const withoutRevision = (yaml: string): string => yaml.replace(/resourceVersion: .*/, '');
    expect(withoutRevision(again)).toBe(withoutRevision(text));
    engine.ok(['delete', 'vm', 'round']);
    await until('the notes on the node', () => engine.ok(['get', 'nodes', '-o', 'yaml']).includes('hayloft.io/acceleration:'));
    const node = engine.ok(['get', 'nodes', '-o', 'yaml']);
    expect(engine.ok(['replace', '-f', '-'], node)).toContain('replaced');
  });

  it('does not overwrite what somebody changed meanwhile', () => {
    engine.ok(['create', '-f', '-'], configMap('contested', { a: '1' }));
    const mine = engine.ok(['get', 'cm', 'contested', '-o', 'yaml']);
    engine.ok(['patch', 'cm', 'contested', '-p', '{"data":{"a":"theirs"}}']);
    expect(engine.refused(['replace', '-f', '-'], mine)).toContain('the object has been modified');
    expect(data('contested')).toEqual({ a: 'theirs' });
  });

  it('deletes and creates anew with --force', () => {
    engine.ok(['create', '-f', '-'], configMap('renewed', { a: '1' }));
    const before = engine.json<ConfigMap>(['get', 'cm', 'renewed']).metadata.uid;
    engine.ok(['replace', '--force', '-f', '-'], configMap('renewed', { b: '2' }));
    const after = engine.json<ConfigMap>(['get', 'cm', 'renewed']);
    expect(after.data).toEqual({ b: '2' });
    expect(after.metadata.uid).not.toBe(before);
  });
});

describe('kubectl edit', () => {
  it('writes what the editor leaves', () => {
    engine.ok(['create', '-f', '-'], configMap('edited', { a: 'before' }));
    const editor = process.env['KUBE_EDITOR'];
    process.env['KUBE_EDITOR'] = 'sed -i s/before/after/';
    try {
      engine.ok(['edit', 'cm', 'edited']);
    } finally {
      if (editor === undefined) delete process.env['KUBE_EDITOR'];
      else process.env['KUBE_EDITOR'] = editor;
    }
    expect(data('edited')).toEqual({ a: 'after' });
  });
});

describe('kubectl describe', () => {
  it('describes a machine, a node and a claim', () => {
    engine.ok(['create', '-f', '-'], machine('told'));
    expect(engine.ok(['describe', 'vm', 'told'])).toMatch(/Name:\s+told[\s\S]*Run Strategy:\s+Halted[\s\S]*Events:/);
    expect(engine.ok(['describe', 'nodes'])).toMatch(/Roles:[\s\S]*Capacity:[\s\S]*Events:/);
    engine.ok(['create', '-f', '-'], {
      apiVersion: 'cdi.kubevirt.io/v1beta1',
      kind: 'DataVolume',
      metadata: { name: 'told' },
      spec: { source: { blank: {} }, storage: { resources: { requests: { storage: '1Mi' } } } },
    });
    engine.ok(['wait', 'dv', 'told', '--for=jsonpath={.status.phase}=Succeeded', '--timeout=60s']);
    expect(engine.ok(['describe', 'pvc', 'told'])).toMatch(/Status:\s+Bound/);
    expect(engine.ok(['describe', 'namespace', 'default'])).toMatch(/Status:\s+Active/);
    engine.ok(['delete', 'vm,dv', 'told']);
  });
});

describe('kubectl delete', () => {
  it('waits until finalizers let go', async () => {
    engine.ok(['create', '-f', '-'], { ...configMap('held', {}), metadata: { name: 'held', finalizers: ['hayloft.io/hold'] } });
    const deletion = engine.start(['delete', 'configmap', 'held', '--timeout=60s']);
    await deletion.line(/configmap "held" deleted/);
    expect(engine.ok(['get', 'cm', 'held', '-o', 'jsonpath={.metadata.deletionTimestamp}'])).not.toBe('');
    expect(deletion.child.exitCode).toBeNull();
    engine.ok(['patch', 'cm', 'held', '--type=merge', '-p', '{"metadata":{"finalizers":null}}']);
    await vi.waitFor(() => expect(deletion.child.exitCode).toBe(0), 10_000);
    expect(engine.refused(['get', 'cm', 'held'])).toContain('not found');
  });

  it('deletes by selector and all of a kind', () => {
    for (const name of ['gone-1', 'gone-2']) engine.ok(['create', '-f', '-'], configMap(name, {}, { go: 'yes' }));
    engine.ok(['create', '-f', '-'], configMap('kept', {}));
    engine.ok(['delete', 'cm', '-l', 'go=yes']);
    expect(engine.ok(['get', 'cm', '-l', 'go=yes', '-o', 'name'])).toBe('');
    expect(engine.ok(['get', 'cm', 'kept', '-o', 'name'])).toBe('configmap/kept\n');
    expect(engine.ok(['delete', 'cm', 'never-was', '--ignore-not-found'])).toBe('');
  });

  it('takes a namespace with all that is in it', () => {
    engine.ok(['create', 'namespace', 'brief']);
    engine.ok(['create', '-n', 'brief', '-f', '-'], configMap('inside', {}));
    engine.ok(['delete', 'namespace', 'brief', '--timeout=60s']);
    expect(engine.refused(['get', 'namespace', 'brief'])).toContain('not found');
    expect(engine.refused(['delete', 'namespace', 'default'])).toContain('forbidden');
  });
});

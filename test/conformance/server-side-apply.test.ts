import { describe, expect, it } from 'vitest';
import type { ConfigMap } from '#shared/kube/core.ts';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import type { ManagedFieldsEntry, Status } from '#shared/kube/object.ts';
import { useEngine } from './conformance-engine.ts';
import { configMap, machine } from './samples.ts';

const engine = useEngine();
const path = '/api/v1/namespaces/default/configmaps';
const applyType = { 'content-type': 'application/apply-patch+yaml' };
const api = (...args: Parameters<typeof engine.rig.api>): ReturnType<typeof engine.rig.api> => engine.rig.api(...args);
const apply = (wanted: object, ...flags: string[]): string => engine.ok(['apply', '--server-side', ...flags, '-f', '-'], wanted);
const data = (name: string): Record<string, string> | undefined => engine.json<ConfigMap>(['get', 'cm', name]).data;
const entriesOf = async (name: string): Promise<ManagedFieldsEntry[]> => (await api('GET', `${path}/${name}`)).json<ConfigMap>().metadata.managedFields ?? [];

describe('kubectl apply --server-side', () => {
  it('makes, changes, and takes out what is no longer applied', () => {
    expect(apply(configMap('ssa', { a: '1', b: '2' }))).toBe('configmap/ssa serverside-applied\n');
    engine.ok(['patch', 'cm', 'ssa', '-p', '{"data":{"of-others":"stays"}}']);
    apply(configMap('ssa', { a: '3' }, { tier: 'one' }));
    expect(data('ssa')).toEqual({ a: '3', 'of-others': 'stays' });
    const before = engine.json<ConfigMap>(['get', 'cm', 'ssa']).metadata.resourceVersion;
    apply(configMap('ssa', { a: '3' }, { tier: 'one' }));
    expect(engine.json<ConfigMap>(['get', 'cm', 'ssa']).metadata.resourceVersion).toBe(before);
    const shown = engine.ok(['get', 'cm', 'ssa', '-o', 'yaml', '--show-managed-fields']);
    expect(shown).toMatch(/fieldsV1:\n\s+f:data:\n\s+f:a: \{\}\n\s+f:metadata:\n\s+f:labels:\n\s+f:tier: \{\}\n\s+manager: kubectl\n\s+operation: Apply/);
    expect(shown).toMatch(/f:of-others: \{\}[\s\S]*manager: kubectl-patch\n\s+operation: Update/);
    expect(engine.ok(['get', 'cm', 'ssa', '-o', 'yaml'])).not.toContain('managedFields');
  });

  it('refuses what is another’s, in the words that people know, and takes it when forced', () => {
    apply(configMap('fought', { a: '1', b: '1' }), '--field-manager=one');
    const told = engine.refused(['apply', '--server-side', '--field-manager=two', '-f', '-'], configMap('fought', { a: '2', b: '2' }));
    expect(told).toContain('Apply failed with 2 conflicts: conflicts with "one":\n- .data.a\n- .data.b');
    expect(told).toContain('--force-conflicts');
    apply(configMap('fought', { a: '2' }), '--field-manager=two', '--force-conflicts');
    expect(data('fought')).toEqual({ a: '2', b: '1' });
    expect(engine.refused(['apply', '--server-side', '--field-manager=one', '-f', '-'], configMap('fought', { a: '1' }))).toContain('conflict with "two": .data.a');
    // Who wants the same owns it, too.
    apply(configMap('fought', { a: '2' }), '--field-manager=one');
    expect(data('fought')).toEqual({ a: '2' });
  });

  it('takes over from client-side apply', () => {
    engine.ok(['apply', '-f', '-'], configMap('moved', { a: '1', b: '2' }));
    apply(configMap('moved', { a: '9' }));
    expect(data('moved')).toEqual({ a: '9' });
  });

  it('merges a machine’s disks by name, and stores nothing on a dry run', () => {
    const wanted = machine('ssa');
    const empty = (name: string): object => ({ name, emptyDisk: { capacity: '1Mi' } });
    const withDisks = (...names: string[]): VirtualMachine => {
      const copy = structuredClone(wanted);
      const { spec } = copy.spec.template;
      Object.assign(spec.domain.devices, { disks: names.map((name) => ({ name, disk: { bus: 'virtio' } })) });
      Object.assign(spec, { volumes: names.map(empty) });
      return copy;
    };
    const disks = (): unknown => engine.json<VirtualMachine>(['get', 'vm', 'ssa']).spec.template.spec.domain.devices.disks?.map(({ name }) => name);
    apply(withDisks('root', 'data'), '--field-manager=one');
    apply(withDisks('more'), '--field-manager=two');
    expect(disks()).toEqual(['root', 'data', 'more']);
    apply(withDisks('root'), '--field-manager=one', '--dry-run=server');
    expect(disks()).toEqual(['root', 'data', 'more']);
    apply(withDisks('root'), '--field-manager=one');
    expect(disks()).toEqual(['root', 'more']);
    expect(engine.run(['diff', '--server-side', '--field-manager=one', '-f', '-'], withDisks('root'))).toMatchObject({ code: 0, stdout: '' });
    engine.ok(['delete', 'vm', 'ssa']);
  });
});

describe('the protocol of server-side apply', () => {
  const url = (name: string, query: string): string => `${path}/${name}?${query}`;

  it('answers 201 and then 200, and reads YAML', async () => {
    const yaml = 'apiVersion: v1\nkind: ConfigMap\ndata: {a: "1"}\n';
    expect((await api('PATCH', url('plain', 'fieldManager=me'), yaml, applyType)).status).toBe(201);
    expect((await api('PATCH', url('plain', 'fieldManager=me'), yaml, applyType)).status).toBe(200);
    expect(await entriesOf('plain')).toEqual([
      { manager: 'me', operation: 'Apply', apiVersion: 'v1', time: expect.any(String) as string, fieldsType: 'FieldsV1', fieldsV1: { 'f:data': { 'f:a': {} } } },
    ]);
  });

  it.each<[string, string, object, number, string]>([
    ['no manager', '', configMap('odd', {}), 422, 'fieldManager: Required value: is required for apply patch'],
    ['a manager that cannot be shown', 'fieldManager=a%0Ab', configMap('odd', {}), 422, 'should only contain printable characters'],
    ['another name', 'fieldManager=me', configMap('even', {}), 400, 'does not match the name on the URL'],
    ['no kind', 'fieldManager=me', { apiVersion: 'v1', data: {} }, 400, 'kind'],
    ['ownership by hand', 'fieldManager=me', { ...configMap('odd', {}), metadata: { name: 'odd', managedFields: [] } }, 400, 'metadata.managedFields must be nil'],
    ['the uid of an object that is not there', 'fieldManager=me', { ...configMap('odd', {}), metadata: { name: 'odd', uid: 'x' } }, 409, 'uid mismatch'],
  ])('refuses %s', async (_what, query, body, status, words) => {
    const answer = await api('PATCH', url('odd', query), body, applyType);
    expect([answer.status, answer.json<Status>().message]).toEqual([status, expect.stringContaining(words)]);
  });

  it('knows force with apply only', async () => {
    await api('POST', path, configMap('unforced', {}));
    const answer = await api('PATCH', url('unforced', 'force=true'), {}, { 'content-type': 'application/merge-patch+json' });
    expect([answer.status, answer.json<Status>().message]).toEqual([422, expect.stringContaining('may not be specified for non-apply patch')]);
  });

  it('keeps status apart, and knows the engine’s own part in it', async () => {
    const vms = '/apis/kubevirt.io/v1/namespaces/default/virtualmachines';
    engine.ok(['create', '-f', '-'], machine('parted'));
    engine.ok(['wait', 'vm/parted', '--for=jsonpath={.status.printableStatus}=Stopped', '--timeout=30s']);
    const entries = (await api('GET', `${vms}/parted`)).json<VirtualMachine>().metadata.managedFields ?? [];
    expect(entries).toContainEqual(expect.objectContaining({ manager: 'hayloft-engine', operation: 'Update', subresource: 'status' }));
    expect(JSON.stringify(entries.find(({ manager }) => manager === 'kubectl-create')?.fieldsV1)).not.toContain('f:status');
    const body = { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', metadata: { name: 'parted' }, status: { printableStatus: 'Mine' } };
    const answer = await api('PATCH', `${vms}/parted/status?fieldManager=me`, body, applyType);
    expect([answer.status, answer.json<Status>().message]).toEqual([409, expect.stringContaining('conflict with "hayloft-engine" with subresource "status" using kubevirt.io/v1: .status.printableStatus')]);
    engine.ok(['delete', 'vm', 'parted']);
  });

  it('lets clients that know nothing of it leave it alone, and forgets when told to', async () => {
    await api('PATCH', url('kept', 'fieldManager=me'), configMap('kept', { a: '1' }), applyType);
    await api('PUT', `${path}/kept?fieldManager=old`, configMap('kept', { a: '1', b: '2' }));
    expect((await entriesOf('kept')).map(({ manager }) => manager)).toEqual(['me', 'old']);
    await api('PATCH', `${path}/kept`, { metadata: { managedFields: [{}] } }, { 'content-type': 'application/merge-patch+json' });
    expect(await entriesOf('kept')).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import { rowsOf, useEngine } from './conformance-engine.ts';

const engine = useEngine();

describe('kubectl api-resources', () => {
  it('lists every kind with short names, group, scope and verbs', () => {
    const rows = rowsOf(engine.ok(['api-resources', '--no-headers=false', '-o', 'wide']));
    // Of two groups that have kinds of the same name, Kubernetes' own comes first.
    const byName = new Map(rows.toReversed().map((row) => [row[0], row.join(' ')]));
    expect(byName.get('virtualmachines')).toMatch(/^virtualmachines vm,vms kubevirt\.io\/v1 true VirtualMachine create,delete,/);
    expect(byName.get('virtualmachineinstances')).toContain('vmi,vmis kubevirt.io/v1 true VirtualMachineInstance');
    expect(byName.get('datavolumes')).toContain('cdi.kubevirt.io/v1beta1 true DataVolume');
    expect(byName.get('uploadtokenrequests')).toMatch(/upload\.cdi\.kubevirt\.io\/v1beta1 true UploadTokenRequest create$/);
    expect(byName.get('nodes')).toContain('no v1 false Node');
    expect(rows.map((row) => row.join(' '))).toContain('nodes metrics.k8s.io/v1beta1 false NodeMetrics get,list');
    for (const plural of ['namespaces', 'secrets', 'configmaps', 'events', 'persistentvolumeclaims', 'storageclasses', 'leases']) {
      expect(byName.has(plural), plural).toBe(true);
    }
  });

  it('is the same to clients that know no aggregated discovery', async () => {
    const plain = { accept: 'application/json' };
    const groups = (await engine.rig.api('GET', '/apis', undefined, plain)).json<{ groups: { name: string }[] }>();
    expect(groups.groups.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['kubevirt.io', 'cdi.kubevirt.io', 'storage.k8s.io', 'subresources.kubevirt.io']),
    );
    const list = (await engine.rig.api('GET', '/apis/kubevirt.io/v1', undefined, plain)).json<{ resources: { name: string }[] }>();
    expect(list.resources.map(({ name }) => name)).toEqual(expect.arrayContaining(['virtualmachines', 'virtualmachines/status']));
    const actions = (await engine.rig.api('GET', '/apis/subresources.kubevirt.io/v1')).json<{ resources: { name: string }[] }>();
    expect(actions.resources.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['virtualmachines/start', 'virtualmachineinstances/vnc', 'virtualmachineinstances/console']),
    );
  });
});

describe('kubectl explain', () => {
  it('tells the fields of a machine, down to the leaves', () => {
    expect(engine.ok(['explain', 'vm.spec'])).toMatch(/KIND:\s+VirtualMachine[\s\S]*runStrategy\t<string>/);
    expect(engine.ok(['explain', 'vm.spec.template.spec.domain.memory.guest'])).toContain('FIELD: guest <string>');
    expect(engine.ok(['explain', 'dv.spec.source'])).toMatch(/upload\t<Object>/);
    expect(engine.ok(['explain', 'configmap.metadata'])).toMatch(/finalizers\t<\[\]string>/);
  });
});

describe('kubectl version and cluster health', () => {
  it('says whose version it is, and that it is well', () => {
    expect(engine.ok(['version'])).toMatch(/Server Version: v1\.32\.0\+hayloft/);
    for (const path of ['/healthz', '/livez', '/readyz']) expect(engine.ok(['get', '--raw', path])).toBe('ok');
  });

  it('answers health without a token, and nothing else', async () => {
    const nobody = { authorization: '' };
    expect((await engine.rig.api('GET', '/readyz', undefined, nobody)).status).toBe(401);
    for (const path of ['/version', '/api', '/apis', '/openapi/v3', '/api/v1/secrets']) {
      expect((await engine.rig.api('GET', path, undefined, nobody)).status, path).toBe(401);
    }
  });
});

describe('kubectl auth', () => {
  it('knows the user and what he may do', () => {
    expect(engine.ok(['auth', 'can-i', 'create', 'virtualmachines'])).toBe('yes\n');
    expect(engine.ok(['auth', 'whoami'])).toContain('hayloft');
  });

  it('turns a wrong token away', () => {
    expect(engine.refused(['--token=wrong', 'get', 'nodes'])).toContain('You must be logged in to the server (Unauthorized)');
  });
});

/** Kinds that CustomResourceDefinitions bring, with the real kubectl. */
import { describe, expect, it } from 'vitest';
import type { KubeObject, ManagedFieldsEntry } from '#shared/kube/object.ts';
import { headersOf, rowsOf, useEngine } from './conformance-engine.ts';
import { machine } from './samples.ts';

/** As controller-gen writes them. */
const backups = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: vaults.backup.example.org
spec:
  group: backup.example.org
  names: { kind: Vault, listKind: VaultList, plural: vaults, singular: vault, shortNames: [vlt], categories: [all] }
  scope: Namespaced
  versions:
  - name: v1beta2
    served: true
    storage: true
    additionalPrinterColumns:
    - { description: Where it is, jsonPath: .status.state, name: State, type: string }
    - { jsonPath: .spec.size, name: Size, type: string }
    - { jsonPath: '.status.conditions[?(@.type=="Ready")].status', name: Ready, type: string }
    - { jsonPath: .spec.replicas, name: Replicas, type: integer, priority: 1 }
    - { jsonPath: .metadata.creationTimestamp, name: Age, type: date }
    schema:
      openAPIV3Schema:
        description: Vault is where copies are kept.
        type: object
        required: [spec]
        properties:
          apiVersion: { type: string }
          kind: { type: string }
          metadata: { type: object }
          spec:
            description: What is wanted of it.
            type: object
            required: [size]
            properties:
              size:
                description: How large it may become.
                anyOf: [{ type: integer }, { type: string }]
                pattern: ^[0-9]+(Ki|Mi|Gi)?$
                x-kubernetes-int-or-string: true
              access: { type: string, enum: [rwo, rwx], default: rwo }
              replicas: { type: integer, format: int32, minimum: 0, default: 1 }
              disks:
                type: array
                maxItems: 3
                items:
                  type: object
                  required: [name]
                  properties: { name: { type: string, minLength: 1 }, tags: { type: array, items: { type: string }, x-kubernetes-list-type: set } }
                x-kubernetes-list-map-keys: [name]
                x-kubernetes-list-type: map
              template: { type: object, x-kubernetes-preserve-unknown-fields: true }
          status:
            type: object
            properties:
              state: { type: string }
              replicas: { type: integer }
              selector: { type: string }
              conditions:
                type: array
                items: { type: object, required: [type, status], properties: { type: { type: string }, status: { type: string } } }
    subresources:
      status: {}
      scale: { specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas, labelSelectorPath: .status.selector }
`;

interface Vault extends KubeObject {
  spec: Record<string, unknown> & { disks?: { name: string; tags?: string[] }[] };
}

const vault = (name: string, spec: object): Vault => ({ apiVersion: 'backup.example.org/v1beta2', kind: 'Vault', metadata: { name }, spec: { size: '1Gi', ...spec } });

describe('a kind that is added', () => {
  const engine = useEngine();

  it('is there as soon as kubectl has waited for it', () => {
    expect(engine.ok(['apply', '-f', '-'], backups)).toBe('customresourcedefinition.apiextensions.k8s.io/vaults.backup.example.org created\n');
    expect(engine.ok(['wait', '--for=condition=Established', 'crd/vaults.backup.example.org', '--timeout=10s'])).toContain('condition met');
    expect(engine.ok(['apply', '-f', '-'], backups)).toContain('unchanged');
    expect(engine.ok(['api-resources', '--api-group=backup.example.org'])).toMatch(/vaults\s+vlt\s+backup\.example\.org\/v1beta2\s+true\s+Vault/);
  });

  it('is explained', () => {
    expect(engine.ok(['explain', 'vault'])).toContain('Vault is where copies are kept.');
    expect(engine.ok(['explain', 'vault.spec'])).toMatch(/size\s+<\w+> -required-/);
    expect(engine.ok(['explain', 'vault.spec.disks.tags'])).toContain('<[]string>');
    expect(engine.ok(['explain', 'crd.spec.versions'])).toContain('additionalPrinterColumns');
  });

  it('is checked, and shown with its columns', () => {
    engine.ok(['apply', '-f', '-'], vault('one', { disks: [{ name: 'a' }], template: { anything: [{ goes: true }] } }));
    engine.ok(['patch', 'vault', 'one', '--subresource=status', '--type=merge', '-p', '{"status":{"state":"attached","conditions":[{"type":"Ready","status":"True"}]}}']);
    const table = engine.ok(['get', 'vlt']);
    expect([headersOf(table), rowsOf(table)[0]?.slice(0, 4)]).toEqual([['NAME', 'STATE', 'SIZE', 'READY', 'AGE'], ['one', 'attached', '1Gi', 'True']]);
    expect(engine.ok(['get', 'all'])).toContain('vault.backup.example.org/one');
    expect(engine.json<Vault>(['get', 'vault', 'one']).spec).toMatchObject({ access: 'rwo', replicas: 1, template: { anything: [{ goes: true }] } });
    expect(engine.ok(['wait', '--for=condition=Ready', 'vault/one', '--timeout=10s'])).toContain('condition met');
    const told = engine.refused(['create', '-f', '-'], vault('two', { size: 'much', access: 'all', replicas: -1, disks: [{ name: 'a' }, { name: 'a' }] }));
    expect(told.trim().split('\n')).toEqual([
      'The Vault "two" is invalid: ',
      '* spec.access: Unsupported value: "all": supported values: "rwo", "rwx"',
      '* spec.disks[1]: Duplicate value: {"name":"a"}',
      '* spec.replicas: Invalid value: -1: spec.replicas in body should be greater than or equal to 0',
      `* spec.size: Invalid value: "much": spec.size in body should match '^[0-9]+(Ki|Mi|Gi)?$'`,
    ]);
    expect(engine.refused(['create', '-f', '-'], vault('two', { sise: 1 }))).toContain('strict decoding error: unknown field "spec.sise"');
  });

  it('is scaled, patched and edited as every other', () => {
    expect(engine.ok(['scale', 'vault/one', '--replicas=4'])).toContain('scaled');
    expect(engine.ok(['get', 'vault', 'one', '-o', 'wide'])).toMatch(/\b4\b/);
    engine.ok(['patch', 'vault', 'one', '--type=json', '-p', '[{"op":"replace","path":"/spec/size","value":7}]']);
    engine.ok(['label', 'vault', 'one', 'tier=cold']);
    expect(engine.ok(['get', 'vault', '-l', 'tier=cold', '-o', 'jsonpath={.items[*].spec.size}'])).toBe('7');
    expect(engine.refused(['patch', 'vault', 'one', '--type=strategic', '-p', '{}'])).toContain('strategic merge patch');
  });

  it('is merged by its list types in server-side apply', () => {
    const apply = (manager: string, spec: object): string => engine.ok(['apply', '--server-side', `--field-manager=${manager}`, '-f', '-'], { ...vault('shared', {}), spec });
    apply('one', { size: '1Gi', disks: [{ name: 'a', tags: ['x'] }] });
    apply('two', { disks: [{ name: 'b' }, { name: 'a', tags: ['y'] }] });
    expect(engine.json<Vault>(['get', 'vault', 'shared']).spec.disks).toEqual([{ name: 'b' }, { name: 'a', tags: ['x', 'y'] }]);
    apply('two', { disks: [{ name: 'b' }] });
    expect(engine.json<Vault>(['get', 'vault', 'shared']).spec.disks).toEqual(expect.arrayContaining([{ name: 'a', tags: ['x'] }, { name: 'b' }]));
    const entries = engine.json<{ metadata: { managedFields: ManagedFieldsEntry[] } }>(['get', 'vault', 'shared', '--show-managed-fields']).metadata.managedFields;
    expect(JSON.stringify(entries.find(({ manager }) => manager === 'two')?.fieldsV1)).toContain('k:{\\"name\\":\\"b\\"}');
  });

  it('goes with its definition, while somebody watches', async () => {
    const watch = engine.start(['get', 'vault', '-w']);
    await watch.line(/^one/);
    engine.ok(['delete', 'crd', 'vaults.backup.example.org', '--timeout=30s']);
    expect(engine.ok(['api-resources', '--api-group=backup.example.org', '--cached=false'])).not.toContain('vaults');
  });

  it('cannot take the place of one that the engine serves', () => {
    const crd = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'virtualmachines.kubevirt.io' }, spec: machineDefinition };
    expect(engine.refused(['create', '-f', '-'], crd)).toContain('--api-only');
  });
});

/** As KubeVirt's: the template is kept as it is, and checked elsewhere. */
const machineDefinition = {
  group: 'kubevirt.io',
  scope: 'Namespaced',
  names: { kind: 'VirtualMachine', plural: 'virtualmachines', singular: 'virtualmachine', shortNames: ['vm', 'vms'], categories: ['all'] },
  versions: ['v1', 'v1alpha3'].map((name) => ({
    ...{ name, served: true, storage: name === 'v1', subresources: { status: {} } },
    additionalPrinterColumns: [{ name: 'Status', type: 'string', jsonPath: '.status.printableStatus' }],
    schema: {
      openAPIV3Schema: {
        type: 'object',
        required: ['spec'],
        properties: {
          spec: {
            type: 'object',
            required: ['template'],
            properties: {
              runStrategy: { type: 'string' },
              template: { type: 'object', nullable: true, properties: { metadata: { type: 'object', nullable: true, 'x-kubernetes-preserve-unknown-fields': true }, spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } },
            },
          },
          status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        },
      },
    },
  })),
};

describe('an API server alone', () => {
  const engine = useEngine({ flags: ['--api-only'] });

  it('keeps what was recorded elsewhere, and runs nothing of it', () => {
    expect(engine.refused(['get', 'vm'])).toContain(`the server doesn't have a resource type "vm"`);
    const definition = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'virtualmachines.kubevirt.io' }, spec: machineDefinition };
    engine.ok(['create', '-f', '-'], definition);
    engine.ok(['create', '-f', '-'], { ...machine('far', 'Always'), status: { printableStatus: 'Running', ready: true } });
    engine.ok(['patch', 'vm', 'far', '--subresource=status', '--type=merge', '-p', '{"status":{"printableStatus":"Migrating"}}']);
    expect(rowsOf(engine.ok(['get', 'vm']))).toEqual([['far', 'Migrating']]);
    expect(engine.ok(['get', 'virtualmachines.v1alpha3.kubevirt.io', 'far', '-o', 'jsonpath={.apiVersion}'])).toBe('kubevirt.io/v1alpha3');
    expect(engine.ok(['explain', 'vm.spec.template'])).toContain('metadata');
  });

  it('takes the kinds of Kubernetes itself as they come', () => {
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'far' }, spec: { podCIDR: '10.0.0.0/24' } };
    engine.ok(['create', '-f', '-'], node);
    engine.ok(['create', '-f', '-'], { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec: { replicas: 1 } });
    expect(engine.ok(['get', 'deploy,nodes,sc,pods', '-o', 'name']).trim().split('\n')).toEqual(['deployment.apps/web', 'node/far']);
  });
});

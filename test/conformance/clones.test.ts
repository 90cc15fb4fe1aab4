/** Machines made of machines: alike, and independent of each other. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { VirtualMachineClone } from '../../shared/kube/clone.ts';
import type { VirtualMachine } from '../../shared/kube/kubevirt.ts';
import { startEngine, type RigEngine } from '../rig/engine.ts';
import { until } from '../rig/until.ts';

let engine: RigEngine;

const apply = (object: object): string => engine.kubectl(['apply', '-f', '-'], stringify(object));
const get = <T>(kind: string, name: string): T => JSON.parse(engine.kubectl(['get', kind, name, '-o', 'json'])) as T;
const files = (): string[] => readdirSync(join(engine.dataDir, 'disks', 'default'));
const clone = (name: string, spec: object): object => ({
  apiVersion: 'clone.kubevirt.io/v1beta1',
  kind: 'VirtualMachineClone',
  metadata: { name },
  spec: { source: { apiGroup: 'kubevirt.io', kind: 'VirtualMachine', name: 'source' }, ...spec },
});
const phase = (name: string): string | undefined => get<VirtualMachineClone>('vmclone', name).status?.phase;

beforeAll(async () => {
  engine = await startEngine();
  apply({
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    metadata: { name: 'source', labels: { 'keep/this': 'kept', drop: 'this' } },
    spec: {
      runStrategy: 'Always',
      dataVolumeTemplates: [{ metadata: { name: 'source-root' }, spec: { source: { blank: {} }, storage: { resources: { requests: { storage: '1Gi' } } } } }],
      template: {
        spec: {
          terminationGracePeriodSeconds: 0,
          domain: {
            memory: { guest: '64Mi' },
            devices: {
              disks: [{ name: 'root', disk: { bus: 'virtio' } }],
              interfaces: [{ name: 'default', masquerade: {}, macAddress: '02:00:00:00:00:01' }],
            },
          },
          networks: [{ name: 'default', pod: {} }],
          volumes: [{ name: 'root', dataVolume: { name: 'source-root' } }],
        },
      },
    },
  });
  engine.kubectl(['wait', '--for=condition=Ready', 'vm/source', '--timeout=60s']);
});

afterAll(() => engine.destroy());

describe('a clone', () => {
  it('of a running machine is another machine, and leaves nothing of its making behind', async () => {
    apply(clone('one', { target: { apiGroup: 'kubevirt.io', kind: 'VirtualMachine', name: 'copy' }, labelFilters: ['keep/*'], newSMBiosSerial: 'own' }));
    await until('the clone', () => phase('one') === 'Succeeded');
    const copy = get<VirtualMachine>('vm', 'copy');
    expect(copy.metadata.labels).toEqual({ 'keep/this': 'kept' });
    expect(copy.spec.runStrategy).toBe('Halted');
    expect(copy.spec.template.spec.domain.devices.interfaces?.[0]?.macAddress).toBeUndefined();
    expect(copy.spec.template.spec.domain.firmware?.serial).toBe('own');
    await until('the snapshot to go', () => engine.kubectl(['get', 'vmsnapshot,vmrestore,vmsnapshotcontent,volumesnapshot']) === '');
    engine.kubectl(['patch', 'vm', 'copy', '--type=merge', '-p', '{"spec":{"runStrategy":"Always"}}']);
    engine.kubectl(['wait', '--for=condition=Ready', 'vm/copy', '--timeout=60s']);
  });

  it('takes a made-up name, and fails where its name is taken', async () => {
    apply(clone('two', {}));
    await until('the clone', () => phase('two') === 'Succeeded');
    expect(get<VirtualMachineClone>('vmclone', 'two').status?.targetName).toMatch(/^clone-source-/);
    apply(clone('three', { target: { apiGroup: 'kubevirt.io', kind: 'VirtualMachine', name: 'copy' } }));
    await until('the clone to fail', () => phase('three') === 'Failed');
    expect(() => apply(clone('four', { labelFilters: ['a*b'] }))).toThrow('spec.labelFilters[0]');
  });

  it('runs on when its source is deleted, and the last one takes every file along', async () => {
    engine.kubectl(['delete', 'vm/source', 'vmclone/one', 'vmclone/two', 'vmclone/three', '--timeout=30s']);
    engine.kubectl(['patch', 'vm', 'copy', '--type=merge', '-p', '{"spec":{"runStrategy":"Halted"}}']);
    await until('it to stop', () => engine.kubectl(['get', 'vmi', 'copy', '--ignore-not-found']) === '');
    engine.kubectl(['patch', 'vm', 'copy', '--type=merge', '-p', '{"spec":{"runStrategy":"Always"}}']);
    engine.kubectl(['wait', '--for=condition=Ready', 'vm/copy', '--timeout=60s']);
    engine.kubectl(['delete', 'vm', '--all', '--timeout=30s']);
    await until('every file to go', () => engine.kubectl(['get', 'pvc,dv']) === '' && files().length === 0);
  });
});

import { describe, expect, it } from 'vitest';
import type { VirtualMachine, VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { until } from '../rig/until.ts';
import { useEngine } from './conformance-engine.ts';

const engine = useEngine();

const machine = (name: string, types: object, domain: object = {}, runStrategy = 'Halted'): object => ({
  apiVersion: 'kubevirt.io/v1',
  kind: 'VirtualMachine',
  metadata: { name },
  spec: {
    runStrategy,
    ...types,
    template: {
      spec: {
        terminationGracePeriodSeconds: 0,
        domain: { devices: { disks: [{ name: 'scratch' }] }, ...domain },
        volumes: [{ name: 'scratch', emptyDisk: { capacity: '1Mi' } }],
      },
    },
  },
});
const tiny = (memory: string): object => ({
  apiVersion: 'instancetype.kubevirt.io/v1beta1',
  kind: 'VirtualMachineInstancetype',
  metadata: { name: 'tiny' },
  spec: { cpu: { guest: 1 }, memory: { guest: memory } },
});
const instance = (name: string): VirtualMachineInstance => engine.json(['get', 'vmi', name]);
const starts = (name: string): Promise<unknown> => until(`${name} to run`, () => engine.run(['get', 'vmi', name, '-o', 'jsonpath={.status.phase}']).stdout === 'Running');

describe('instancetypes and preferences', () => {
  it('are there from the start', () => {
    expect(engine.ok(['get', 'virtualmachineclusterinstancetypes', 'u1.small', '-o', 'jsonpath={.spec.cpu.guest} {.spec.memory.guest}'])).toBe('1 2Gi');
    expect(engine.ok(['get', 'vmcp', '-l', 'instancetype.kubevirt.io/os-type=windows', '-o', 'name'])).toContain('/windows.11\n');
  });

  it('make the instance, and not the template', async () => {
    engine.ok(['create', '-f', '-'], machine('typed', { instancetype: { name: 'u1.small' }, preference: { name: 'debian' } }, {}, 'Always'));
    await starts('typed');
    const { spec, metadata } = instance('typed');
    expect(spec.domain.cpu).toMatchObject({ sockets: 1, cores: 1, threads: 1 });
    expect(spec.domain.memory?.guest).toBe('2Gi');
    expect(spec.domain.devices.disks?.[0]?.disk?.bus).toBe('virtio');
    expect(spec.domain.devices.interfaces?.[0]?.model).toBe('virtio');
    expect(spec.domain.firmware?.bootloader?.efi).toEqual({ secureBoot: false });
    expect(metadata.annotations).toMatchObject({ 'kubevirt.io/cluster-instancetype-name': 'u1.small', 'kubevirt.io/cluster-preference-name': 'debian' });
    const vm = engine.json<VirtualMachine>(['get', 'vm', 'typed']);
    expect(vm.spec.instancetype?.kind).toBe('VirtualMachineClusterInstancetype');
    expect(vm.spec.template.spec.domain.memory).toBeUndefined();
    expect(vm.status?.conditions?.find(({ type }) => type === 'RestartRequired')).toBeUndefined();
    engine.ok(['delete', 'vm', 'typed']);
  });

  it('are refused by path where they conflict, do not exist or are too small', () => {
    const conflict = engine.refused(['create', '-f', '-'], machine('no', { instancetype: { name: 'u1.small' } }, { memory: { guest: '1Gi' } }));
    expect(conflict).toContain('VM field(s) spec.template.spec.domain.memory.guest conflicts with selected instance type');
    const unknown = engine.refused(['create', '-f', '-'], machine('no', { instancetype: { name: 'none' } }));
    expect(unknown).toContain('spec.instancetype: Failure to find instancetype: virtualmachineclusterinstancetypes.instancetype.kubevirt.io "none" not found');
    const small = engine.refused(['create', '-f', '-'], machine('no', { instancetype: { name: 'u1.nano' }, preference: { name: 'ubuntu' } }));
    expect(small).toContain('insufficient Memory resources of 512Mi provided by instance type, preference requires 2Gi');
    expect(engine.refused(['create', '-f', '-'], machine('no', { instancetype: { inferFromVolume: 'scratch' } }))).toContain('spec.instancetype.inferFromVolume');
  });

  it('leave a machine as it is when they change or go', async () => {
    engine.ok(['create', '-f', '-'], tiny('64Mi'));
    engine.ok(['create', '-f', '-'], machine('kept', { instancetype: { name: 'tiny', kind: 'virtualmachineinstancetypes' } }));
    const revision = (): string => engine.ok(['get', 'vm', 'kept', '-o', 'jsonpath={.status.instancetypeRef.controllerRevisionRef.name}']);
    await until('its instancetype to be kept', () => revision() !== '');
    engine.ok(['apply', '-f', '-'], tiny('96Mi'));
    expect(engine.ok(['get', 'controllerrevision', revision(), '-o', 'jsonpath={.data.spec.memory.guest}'])).toBe('64Mi');
    engine.ok(['delete', 'vminstancetype', 'tiny']);
    engine.ok(['patch', 'vm', 'kept', '--type=merge', '-p', '{"spec":{"runStrategy":"Always"}}']);
    await starts('kept');
    expect(instance('kept').spec.domain.memory?.guest).toBe('64Mi');
    engine.ok(['delete', 'vm', 'kept']);
    expect(engine.ok(['get', 'controllerrevisions', '-o', 'name'])).toBe('');
  });

  it('are expanded, of a machine that is there and of one that is sent', async () => {
    const vm = machine('shown', { instancetype: { name: 'u1.nano' }, preference: { name: 'alpine' } });
    engine.ok(['create', '-f', '-'], vm);
    const base = '/apis/subresources.kubevirt.io/v1/namespaces/default';
    const shown = JSON.parse(engine.ok(['get', '--raw', `${base}/virtualmachines/shown/expand-spec`])) as VirtualMachine;
    const sent = await engine.rig.api('PUT', `${base}/expand-vm-spec`, vm);
    expect(sent.status).toBe(200);
    for (const { spec } of [shown, sent.json<VirtualMachine>()]) {
      expect(spec.instancetype).toBeUndefined();
      expect(spec.template.spec.domain).toMatchObject({ cpu: { sockets: 1 }, memory: { guest: '512Mi' }, devices: { rng: {}, disks: [{ disk: { bus: 'virtio' } }] } });
    }
    const refused = await engine.rig.api('PUT', `${base}/expand-vm-spec`, machine('no', { preference: { name: 'none' } }));
    expect(refused.status).toBe(400);
    engine.ok(['delete', 'vm', 'shown']);
  });
});

import { describe, expect, it } from 'vitest';
import type { InstancetypeSpec, PreferenceSpec } from '#shared/kube/instancetype.ts';
import type { VirtualMachineInstanceSpec } from '#shared/kube/kubevirt.ts';
import { topologyOf } from './apply-instancetype.ts';
import { commonInstancetypes, commonPreferences } from './common-types.ts';
import { expandTemplate } from './expand.ts';
import { validate } from '../api/schema-checks/validate.ts';
import { clusterInstancetypes, clusterPreferences } from './definitions.ts';

const path = 'spec.template.spec';
const small: InstancetypeSpec = { cpu: { guest: 4 }, memory: { guest: '2Gi' } };
const expand = (spec: VirtualMachineInstanceSpec, instancetype?: InstancetypeSpec, preference?: PreferenceSpec): ReturnType<typeof expandTemplate> =>
  expandTemplate({ spec }, { ...(instancetype ? { instancetype } : {}), ...(preference ? { preference } : {}) }, path);

describe('an instancetype', () => {
  it('gives sockets and memory', () => {
    const { template, causes } = expand({ domain: { devices: {} } }, small);
    expect(causes).toEqual([]);
    expect(template.spec.domain.cpu).toEqual({ sockets: 4, cores: 1, threads: 1 });
    expect(template.spec.domain.memory).toEqual({ guest: '2Gi' });
  });

  it('asks less of a node where it is overcommitted', () => {
    const { template } = expand({ domain: { devices: {} } }, { ...small, memory: { guest: '2Gi', overcommitPercent: 50 } });
    expect(template.spec.domain.resources?.requests?.memory).toBe(String(2 ** 30));
  });

  it('conflicts with what the template says itself, by path', () => {
    const { causes } = expand({ domain: { cpu: { cores: 2, model: 'Haswell' }, memory: { guest: '1Gi' }, devices: {} } }, small);
    expect(causes.map(({ field }) => field)).toEqual([`${path}.domain.cpu.cores`, `${path}.domain.memory.guest`]);
    expect(causes[0]?.message).toBe(`VM field(s) ${path}.domain.cpu.cores conflicts with selected instance type`);
  });

  it.each([
    ['cores', {}, { sockets: 1, cores: 8, threads: 1 }],
    ['preferThreads', {}, { sockets: 1, cores: 1, threads: 8 }],
    ['spread', {}, { sockets: 4, cores: 2, threads: 1 }],
    ['spread', { across: 'CoresThreads' }, { sockets: 1, cores: 4, threads: 2 }],
    ['spread', { across: 'SocketsCoresThreads', ratio: 4 }, { sockets: 1, cores: 4, threads: 2 }],
    ['any', {}, { sockets: 8, cores: 1, threads: 1 }],
  ] as const)('spreads its processors as %s %o', (preferredCPUTopology, spreadOptions, wanted) => {
    expect(topologyOf(8, { cpu: { preferredCPUTopology, spreadOptions } })).toEqual(wanted);
  });

  it('is refused where its processors cannot be spread', () => {
    const { causes } = expand({ domain: { devices: {} } }, { ...small, cpu: { guest: 3 } }, { cpu: { preferredCPUTopology: 'spread' } });
    expect(causes.map(({ field }) => field)).toEqual(['spec.instancetype']);
  });
});

describe('a preference', () => {
  const preference: PreferenceSpec = {
    devices: { preferredDiskBus: 'virtio', preferredCdromBus: 'scsi', preferredInterfaceModel: 'e1000e', preferredDiskDedicatedIoThread: true, preferredTPM: { persistent: true } },
    features: { preferredSmm: {}, preferredHyperv: { relaxed: {}, vapic: {} } },
    firmware: { preferredEfi: { secureBoot: true } },
    machine: { preferredMachineType: 'pc' },
  };

  it('fills in what is absent', () => {
    const { domain } = expand({ domain: { devices: { disks: [{ name: 'a' }, { name: 'b', cdrom: {} }] } } }, small, preference).template.spec;
    expect(domain.devices.disks).toEqual([{ name: 'a', disk: { bus: 'virtio' }, dedicatedIOThread: true }, { name: 'b', cdrom: { bus: 'scsi' } }]);
    expect(domain.devices.interfaces).toEqual([{ name: 'default', masquerade: {}, model: 'e1000e' }]);
    expect(domain.devices.tpm).toEqual({ persistent: true });
    expect(domain.firmware).toEqual({ bootloader: { efi: { secureBoot: true } } });
    expect(domain.machine).toEqual({ type: 'pc' });
  });

  it('leaves alone what the template says', () => {
    const spec: VirtualMachineInstanceSpec = {
      domain: {
        machine: { type: 'q35' },
        firmware: { bootloader: { bios: {} } },
        features: { hyperv: { relaxed: { enabled: false } } },
        devices: { disks: [{ name: 'a', disk: { bus: 'sata' } }], interfaces: [{ name: 'n', masquerade: {}, model: 'rtl8139' }], tpm: {} },
      },
    };
    const { domain } = expand(spec, small, preference).template.spec;
    expect(domain.devices).toEqual(spec.domain.devices);
    expect(domain.firmware).toEqual(spec.domain.firmware);
    expect(domain.machine).toEqual({ type: 'q35' });
    expect(domain.features?.hyperv).toEqual({ relaxed: { enabled: false }, vapic: {} });
  });

  it('tells when the machine is too small for it', () => {
    const requirements = { cpu: { guest: 8 }, memory: { guest: '4Gi' } };
    const { causes } = expand({ domain: { devices: {} } }, small, { requirements });
    expect(causes.map(({ message }) => message)).toEqual([
      'insufficient CPU resources of 4 vCPU provided by instance type, preference requires 8 vCPU',
      'insufficient Memory resources of 2Gi provided by instance type, preference requires 4Gi',
    ]);
  });
});

it('has nothing among the common types that it refuses itself', () => {
  const findings = [
    ...commonInstancetypes().map((object) => validate(clusterInstancetypes, object)),
    ...commonPreferences().map((object) => validate(clusterPreferences, object)),
  ];
  expect(findings.flatMap(({ unknown, causes }) => [...unknown, ...causes])).toEqual([]);
});

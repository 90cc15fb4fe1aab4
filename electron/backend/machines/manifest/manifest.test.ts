import { expect, it } from 'vitest';
import type { NewMachine } from '#shared/contract/new-machine.ts';
import { machineManifest } from './machine.ts';

const gib = 2 ** 30;
const form: NewMachine = {
  make: 'new',
  clusterId: 'local',
  namespace: 'default',
  name: 'web',
  source: { kind: 'iso', image: 'debian-12' },
  cores: 2,
  memoryBytes: 2 * gib,
  diskBytes: 20 * gib,
  firmware: 'bios',
  diskBus: 'virtio',
  tpm: false,
  networks: [{ kind: 'nat', model: 'virtio', forwards: [] }],
  runStrategy: 'RerunOnFailure',
};

it('boots an ISO after an empty disk of its own', () => {
  const { spec } = machineManifest(form);
  expect(spec.runStrategy).toBe('RerunOnFailure');
  expect(spec.dataVolumeTemplates).toEqual([
    { metadata: { name: 'web-root' }, spec: { source: { blank: {} }, storage: { resources: { requests: { storage: '20Gi' } } } } },
  ]);
  expect(spec.template.spec.volumes).toEqual([
    { name: 'root', dataVolume: { name: 'web-root' } },
    { name: 'installer', persistentVolumeClaim: { claimName: 'debian-12' } },
  ]);
  expect(spec.template.spec.domain.devices.disks).toEqual([
    { name: 'root', disk: { bus: 'virtio' }, bootOrder: 1 },
    { name: 'installer', cdrom: { bus: 'sata' }, bootOrder: 2 },
  ]);
});

it('copies a disk image, and leaves a machine without a network without one', () => {
  const { spec } = machineManifest({ ...form, source: { kind: 'disk', image: 'shell' }, networks: [], runStrategy: 'Halted' });
  expect(spec.runStrategy).toBe('Halted');
  expect(spec.dataVolumeTemplates?.[0]?.spec.source).toEqual({ pvc: { namespace: 'default', name: 'shell' } });
  expect(spec.template.spec.networks).toBeUndefined();
  expect(spec.template.spec.domain.devices.autoattachPodInterface).toBe(false);
});

import { expect, it } from 'vitest';
import type { NewMachine } from '#shared/contract/new-machine.ts';
import type { Secret } from '#shared/kube/core.ts';
import { machineManifest } from './machine.ts';
import { objectsOf } from './objects.ts';

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

it('starts from a volume that is there, and makes none', () => {
  const { spec } = machineManifest({ ...form, source: { kind: 'volume', claim: 'data' } });
  expect(spec.dataVolumeTemplates).toBeUndefined();
  expect(spec.template.spec.volumes).toEqual([{ name: 'root', persistentVolumeClaim: { claimName: 'data' } }]);
});

it('leaves to an instancetype and a preference what they give', () => {
  const { spec } = machineManifest({ ...form, instancetype: 'u1.nano', preference: 'fedora', firmware: 'auto', diskBus: 'auto', networks: [{ kind: 'nat', model: 'auto', forwards: [] }] });
  expect(spec.instancetype).toEqual({ kind: 'VirtualMachineClusterInstancetype', name: 'u1.nano' });
  expect(spec.preference).toEqual({ kind: 'VirtualMachineClusterPreference', name: 'fedora' });
  const { domain } = spec.template.spec;
  expect([domain.cpu, domain.memory, domain.firmware]).toEqual([undefined, undefined, undefined]);
  expect(domain.devices.disks?.[0]).toEqual({ name: 'root', disk: {}, bootOrder: 1 });
  expect(domain.devices.interfaces).toEqual([{ name: 'default', masquerade: {} }]);
  // A BIOS that was asked for wins against a preference for UEFI.
  expect(machineManifest({ ...form, preference: 'fedora' }).spec.template.spec.domain.firmware).toEqual({ bootloader: { bios: {} } });
});

it('gives secure boot what it needs, and a TPM that remembers', () => {
  const { domain } = machineManifest({ ...form, firmware: 'secure', tpm: true }).spec.template.spec;
  expect(domain.features).toEqual({ smm: { enabled: true } });
  expect(domain.firmware).toEqual({ bootloader: { efi: { secureBoot: true, persistent: true } } });
  expect(domain.devices.tpm).toEqual({ persistent: true });
});

it('puts cards on networks, and makes a way to ports', () => {
  const objects = objectsOf({
    ...form,
    networks: [
      { kind: 'nat', model: 'virtio', forwards: [{ port: 22, protocol: 'TCP' }, { port: 53, protocol: 'UDP', nodePort: 30_053 }] },
      { kind: 'attachment', model: 'e1000', network: 'default/lan', binding: 'bridge', mac: '52:54:00:AB:CD:EF' },
      { kind: 'attachment', model: 'virtio', network: 'default/tap', binding: 'macvtap' },
    ],
  });
  expect(objects.map(({ kind }) => kind)).toEqual(['VirtualMachine', 'Service']);
  expect(objects[0]).toMatchObject({
    spec: {
      template: {
        spec: {
          domain: {
            devices: {
              interfaces: [
                { name: 'default', masquerade: {}, model: 'virtio' },
                { name: 'net-2', bridge: {}, model: 'e1000', macAddress: '52:54:00:ab:cd:ef' },
                { name: 'net-3', binding: { name: 'macvtap' }, model: 'virtio' },
              ],
            },
          },
          networks: [{ name: 'default', pod: {} }, { name: 'net-2', multus: { networkName: 'default/lan' } }, { name: 'net-3', multus: { networkName: 'default/tap' } }],
        },
      },
    },
  });
  expect(objects[1]).toMatchObject({
    metadata: { name: 'web-ports' },
    spec: {
      ports: [
        { name: 'ssh', port: 22, targetPort: 22, protocol: 'TCP' },
        { name: 'udp-53', port: 53, targetPort: 53, protocol: 'UDP', nodePort: 30_053 },
      ],
    },
  });
});

it.each([
  ['short and open', '#cloud-config\nhostname: web\n', false],
  ['secret', '#cloud-config\npassword: loft\n', true],
  ['long', `#cloud-config\n# ${'x'.repeat(2048)}\n`, true],
])('keeps user-data that is %s where it belongs', (_, userData, inSecret) => {
  const objects = objectsOf({ ...form, userData });
  const seed = machineManifest({ ...form, userData }).spec.template.spec.volumes?.at(-1);
  if (inSecret) {
    expect((objects[0] as Secret).stringData).toEqual({ userdata: userData });
    expect(seed).toEqual({ name: 'cloud-init', cloudInitNoCloud: { secretRef: { name: 'web-cloud-init' } } });
  } else {
    expect(objects).toHaveLength(1);
    expect(seed).toEqual({ name: 'cloud-init', cloudInitNoCloud: { userData } });
  }
});

import { describe, expect, it } from 'vitest';
import type { Secret } from '#shared/kube/core.ts';
import type { VirtualMachineImage } from '#shared/kube/harvester.ts';
import type { Disk, VirtualMachine, Volume } from '#shared/kube/kubevirt.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import { harvesterImageRow } from './image-row.ts';
import { harvesterMachine, harvesterObjects, type HarvesterFacts } from './machine-shape.ts';

const gib = 2 ** 30;
const image = (name: string, displayName: string, status: VirtualMachineImage['status'] = {}): VirtualMachineImage => ({
  ...{ apiVersion: 'harvesterhci.io/v1beta1', kind: 'VirtualMachineImage', metadata: { namespace: 'default', name } },
  spec: { displayName, sourceType: 'download', url: `https://images.example.org/${displayName}` },
  status: { storageClassName: `longhorn-${name}`, size: gib / 2, virtualSize: 3 * gib, progress: 100, conditions: [{ type: 'Imported', status: 'True' }], ...status },
});
const facts: HarvesterFacts = {
  images: [image('image-deb12', 'debian-12.qcow2'), image('image-inst', 'netinst.iso', { virtualSize: 700 * 2 ** 20 })],
  claims: [
    {
      ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { namespace: 'default', name: 'uploaded' } },
      spec: { accessModes: ['ReadWriteOnce'], volumeMode: 'Filesystem', storageClassName: 'lvm' },
    },
  ],
  classes: [
    { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: 'harvester-longhorn', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } }, provisioner: 'driver.longhorn.io', parameters: { migratable: 'true', numberOfReplicas: '3' } },
    { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: 'lvm' }, provisioner: 'lvm.driver.harvesterhci.io' },
  ],
};

function machine(source: Record<string, unknown> = { blank: {} }, more: { volumes?: Volume[]; disks?: Disk[]; storageClass?: string } = {}): VirtualMachine {
  const storage = { ...(more.storageClass ? { storageClassName: more.storageClass } : {}), resources: { requests: { storage: '20Gi' } } };
  return {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    metadata: { name: 'web', namespace: 'default', annotations: { 'hayloft.io/description': 'The web', 'harvesterhci.io/reservedMemory': '256Mi' } },
    spec: {
      runStrategy: 'RerunOnFailure',
      dataVolumeTemplates: [{ metadata: { name: 'web-root' }, spec: { source, storage } }],
      template: {
        spec: {
          domain: {
            cpu: { cores: 2 },
            memory: { guest: '4Gi' },
            devices: {
              disks: [{ name: 'root', disk: { bus: 'virtio' }, bootOrder: 1 }, ...(more.disks ?? [])],
              interfaces: [{ name: 'default', masquerade: {} }, { name: 'net-1', bridge: {}, model: 'e1000' }],
              rng: {},
            },
          },
          networks: [{ name: 'default', pod: {} }, { name: 'net-1', multus: { networkName: 'default/vlan-7' } }],
          volumes: [{ name: 'root', dataVolume: { name: 'web-root' } }, ...(more.volumes ?? [])],
        },
      },
    },
  };
}

const templatesOf = (vm: VirtualMachine): unknown => JSON.parse(vm.metadata.annotations?.['harvesterhci.io/volumeClaimTemplates'] ?? '');

describe('a machine on Harvester', () => {
  it('carries what Harvester’s own interface writes', () => {
    const { vm } = harvesterMachine(machine({ pvc: { namespace: 'default', name: 'image-deb12' } }), facts);
    expect(vm.metadata).toMatchObject({
      labels: { 'harvesterhci.io/creator': 'hayloft', 'harvesterhci.io/os': 'linux' },
      annotations: { 'field.cattle.io/description': 'The web', 'network.harvesterhci.io/ips': '[]', 'harvesterhci.io/reservedMemory': '256Mi' },
    });
    expect(vm.metadata.annotations).not.toHaveProperty(['hayloft.io/description']);
    expect(vm.spec).not.toHaveProperty('dataVolumeTemplates');
    const { template } = vm.spec;
    expect(template.metadata).toEqual({
      labels: { 'harvesterhci.io/creator': 'hayloft', 'harvesterhci.io/vmName': 'web' },
      annotations: { 'harvesterhci.io/sshNames': '[]' },
    });
    // Its webhook makes guest memory and requests out of the limits.
    expect(template.spec.domain).toMatchObject({ cpu: { cores: 2, sockets: 1, threads: 1 }, resources: { limits: { cpu: '2', memory: '4Gi' } } });
    expect(template.spec.domain).not.toHaveProperty('memory');
    expect(template.spec.evictionStrategy).toBe('LiveMigrateIfPossible');
    expect(template.spec.domain.devices.interfaces).toEqual([{ name: 'default', masquerade: {}, model: 'virtio' }, { name: 'net-1', bridge: {}, model: 'e1000' }]);
    expect(template.spec.networks?.[1]).toEqual({ name: 'net-1', multus: { networkName: 'default/vlan-7' } });
    expect(template.spec.volumes).toEqual([{ name: 'root', persistentVolumeClaim: { claimName: 'web-root' } }]);
  });

  it('has its disk from the class of its image, and the image’s id on it', () => {
    expect(templatesOf(harvesterMachine(machine({ pvc: { name: 'image-deb12' } }), facts).vm)).toEqual([
      {
        metadata: { name: 'web-root', annotations: { 'harvesterhci.io/imageId': 'default/image-deb12' } },
        spec: { accessModes: ['ReadWriteMany'], volumeMode: 'Block', storageClassName: 'longhorn-image-deb12', resources: { requests: { storage: '20Gi' } } },
      },
    ]);
  });

  it('boots an ISO from a claim of its own beside an empty disk', () => {
    const cd: { disks: Disk[]; volumes: Volume[] } = { disks: [{ name: 'installer', cdrom: { bus: 'sata' }, bootOrder: 2 }], volumes: [{ name: 'installer', persistentVolumeClaim: { claimName: 'image-inst' } }] };
    const { vm } = harvesterMachine(machine({ blank: {} }, cd), facts);
    expect(vm.spec.template.spec.volumes?.[1]).toEqual({ name: 'installer', persistentVolumeClaim: { claimName: 'web-installer' } });
    expect(templatesOf(vm)).toEqual([
      { metadata: { name: 'web-root' }, spec: { accessModes: ['ReadWriteMany'], volumeMode: 'Block', storageClassName: 'harvester-longhorn', resources: { requests: { storage: '20Gi' } } } },
      {
        metadata: { name: 'web-installer', annotations: { 'harvesterhci.io/imageId': 'default/image-inst' } },
        spec: { accessModes: ['ReadWriteMany'], volumeMode: 'Block', storageClassName: 'longhorn-image-inst', resources: { requests: { storage: '1Gi' } } },
      },
    ]);
  });

  it('copies a claim that is there in the claim’s own class', () => {
    expect(templatesOf(harvesterMachine(machine({ pvc: { name: 'uploaded' } }), facts).vm)).toMatchObject([
      { spec: { accessModes: ['ReadWriteOnce'], volumeMode: 'Filesystem', storageClassName: 'lvm', dataSource: { kind: 'PersistentVolumeClaim', name: 'uploaded' } } },
    ]);
    expect(templatesOf(harvesterMachine(machine({ blank: {} }, { storageClass: 'lvm' }), facts).vm)).toMatchObject([{ spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'lvm' } }]);
  });

  it('has cloud-init’s data in a Secret that Harvester knows as such', () => {
    const seed = (source: NonNullable<Volume['cloudInitNoCloud']>): VirtualMachine =>
      machine(undefined, { disks: [{ name: 'cloud-init', disk: { bus: 'virtio' } }], volumes: [{ name: 'cloud-init', cloudInitNoCloud: source }] });
    const shaped = (objects: KubeObject[]): KubeObject[] => harvesterObjects(objects, facts);
    const [secret, vm] = shaped([seed({ userData: '#cloud-config\n' })]) as [Secret, VirtualMachine];
    expect(secret).toEqual({
      ...{ apiVersion: 'v1', kind: 'Secret', type: 'Opaque' },
      metadata: { name: 'web-cloud-init', namespace: 'default', labels: { 'harvesterhci.io/cloud-init-template': 'harvester' } },
      stringData: { userdata: '#cloud-config\n', networkdata: '' },
    });
    const { volumes, domain } = vm.spec.template.spec;
    expect(volumes?.[1]).toEqual({ name: 'cloudinitdisk', cloudInitNoCloud: { secretRef: { name: 'web-cloud-init' }, networkDataSecretRef: { name: 'web-cloud-init' } } });
    expect(domain.devices.disks?.[1]).toEqual({ name: 'cloudinitdisk', disk: { bus: 'virtio' } });

    const given: Secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'own', namespace: 'default' }, stringData: { userdata: 'x' } };
    const other: KubeObject = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web-ports' } };
    const objects = shaped([given, seed({ secretRef: { name: 'own' } }), other]);
    expect(objects.map(({ kind }) => kind)).toEqual(['Secret', 'VirtualMachine', 'Service']);
    expect(objects[0]).toMatchObject({ metadata: { labels: { 'harvesterhci.io/cloud-init-template': 'harvester' } }, stringData: { userdata: 'x', networkdata: '' } });
  });
});

describe('an image of Harvester’s', () => {
  it('is shown with its state, and with the machines that are copies of it', () => {
    const { vm } = harvesterMachine(machine({ pvc: { name: 'image-deb12' } }), facts);
    expect(harvesterImageRow('far', image('image-deb12', 'debian-12.qcow2'), [vm])).toMatchObject({ kind: 'disk', state: 'ready', displayName: 'debian-12.qcow2', usedBy: ['web'] });
    expect(harvesterImageRow('far', image('image-inst', 'netinst.ISO', { progress: 40, conditions: [{ type: 'Imported', status: 'Unknown' }] }), [])).toMatchObject({ kind: 'iso', state: 'importing', progress: 0.4 });
    expect(harvesterImageRow('far', image('a', 'b', { conditions: [{ type: 'Imported', status: 'False', message: 'no such host' }] }), [vm])).toMatchObject({ state: 'failed', reason: 'no such host', usedBy: [] });
  });
});

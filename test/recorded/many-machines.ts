/**
 * A KubeVirt cluster with more machines than anyone would make one by one: copies of one that runs, with its disk and
 * its running instance, put into the store of an API server alone while it rests.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { DataVolume, DataVolumeSpec } from '../../shared/kube/cdi.ts';
import type { KubeObject, ManagedFieldsEntry } from '../../shared/kube/object.ts';
import { machineName } from '../rig/many-machines.ts';
import { definitionsOf, kubeVirtKinds } from './definitions.ts';
import { startRecorded } from './load.ts';
import { at, cdi, instanceOf, kubeVirt, machine, namespace, node, running } from './objects.ts';

const copied = machineName(0);
const address = '10.42.0.21';
const disk = `${copied}-root`;
const userData = `#cloud-config\nhostname: ${copied}\nusers:\n  - name: debian\n    sudo: ALL=(ALL) NOPASSWD:ALL\n    ssh_authorized_keys:\n      - ssh-ed25519 ${'A'.repeat(68)} debian@${copied}\npackages:\n  - qemu-guest-agent\nruncmd:\n  - [systemctl, enable, --now, qemu-guest-agent]\n`;
const volumeSpec: DataVolumeSpec = { source: { http: { url: 'https://images.example.org/debian-12-genericcloud-amd64.qcow2' } }, storage: { resources: { requests: { storage: '20Gi' } }, storageClassName: 'local-path', accessModes: ['ReadWriteOnce'], volumeMode: 'Filesystem' } };

const vm = machine({
  ...{ name: copied, cores: 2, memory: '4Gi', runStrategy: 'RerunOnFailure', status: running(), evictionStrategy: 'LiveMigrateIfPossible' },
  labels: { 'app.kubernetes.io/name': 'shop', 'app.kubernetes.io/part-of': 'front', 'vm.kubevirt.io/template': 'debian-server-medium' },
  annotations: { 'kubevirt.io/latest-observed-api-version': 'v1', 'kubevirt.io/storage-observed-api-version': 'v1' },
  templateLabels: { 'kubevirt.io/domain': copied, 'kubevirt.io/size': 'medium' },
  disks: [{ name: 'root', disk: { bus: 'virtio' }, bootOrder: 1 }, { name: 'cloudinit', disk: { bus: 'virtio' } }],
  volumes: [{ name: 'root', dataVolume: { name: disk } }, { name: 'cloudinit', cloudInitNoCloud: { userData } }],
  dataVolumeTemplates: [{ metadata: { name: disk }, spec: volumeSpec }],
});

/** As every controller that writes an object leaves a list of the fields behind that are its own. */
const managedFields = (...managers: string[]): ManagedFieldsEntry[] =>
  managers.map((manager) => ({ manager, operation: 'Update', apiVersion: 'kubevirt.io/v1', time: at, fieldsType: 'FieldsV1', fieldsV1: Object.fromEntries(['f:metadata', 'f:spec', 'f:status'].map((field) => [field, { 'f:conditions': {}, 'f:created': {}, 'f:ready': {}, 'f:volumeSnapshotStatuses': {} }])) }));

const volume: DataVolume = {
  apiVersion: 'cdi.kubevirt.io/v1beta1',
  kind: 'DataVolume',
  metadata: { name: disk, namespace: 'default', annotations: { 'cdi.kubevirt.io/storage.usePopulator': 'true' }, labels: { 'kubevirt.io/created-by': copied } },
  spec: volumeSpec,
  status: {
    ...{ phase: 'Succeeded', progress: '100.0%', claimName: disk },
    conditions: ['Bound', 'Ready', 'Running'].map((type) => ({ type, status: type === 'Running' ? 'False' : 'True', reason: 'Completed', message: `PVC ${disk} Bound`, lastTransitionTime: at, lastHeartbeatTime: at })),
  },
};

const instance = instanceOf(vm, 'node-1', address, [{ type: 'AgentConnected', status: 'True' }, { type: 'LiveMigratable', status: 'False', reason: 'DisksNotLiveMigratable', message: `cannot migrate VMI: PVC ${disk} is not shared, live migration requires that all PVCs must be shared (using ReadWriteMany access mode)` }]);

const withFields = (object: KubeObject, ...managers: string[]): KubeObject => ({ ...object, metadata: { ...object.metadata, managedFields: managedFields(...managers) } });

const nodes = ['node-1', 'node-2', 'node-3'];

/** @param engineDir an engine's data folder, to be filled; must be empty or not there */
export async function fillRecordedStore(engineDir: string, count: number): Promise<void> {
  const engine = await startRecorded({
    definitions: definitionsOf(kubeVirtKinds),
    objects: [
      ...['kubevirt', 'cdi'].map(namespace),
      kubeVirt('kubevirt', 'v1.9.0', {}),
      cdi('v1.66.0'),
      ...nodes.map((name) => node({ name, memory: '16Gi', cpus: 8, kubelet: 'v1.34.2+k3s1', os: 'Debian GNU/Linux 12 (bookworm)' })),
      withFields(vm, 'kubectl-create', 'virt-controller', 'virt-controller-status'),
      withFields(instance, 'virt-controller', 'virt-handler'),
      withFields(volume, 'virt-controller', 'cdi-controller'),
    ],
  }, engineDir);
  await engine.program.stop();
  copyMachine(join(engineDir, 'engine.db'), count);
}

function copyMachine(database: string, count: number): void {
  const db = new DatabaseSync(database);
  try {
    const stored = db.prepare('SELECT api_group, plural, namespace, name, uid, revision, value FROM objects WHERE name IN (?, ?)').all(copied, disk) as unknown as StoredObject[];
    if (stored.length !== 3) throw new Error(`The server stored ${stored.length} objects of the machine, not three.`);
    db.exec('BEGIN');
    db.prepare('DELETE FROM objects WHERE name IN (?, ?)').run(copied, disk);
    const insert = db.prepare('INSERT INTO objects (api_group, plural, namespace, name, uid, revision, value) VALUES (?, ?, ?, ?, ?, ?, ?)');
    for (let number = 0; number < count; number++) {
      const name = machineName(number);
      const owner = { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', name, uid: randomUUID(), controller: true, blockOwnerDeletion: true };
      for (const object of stored) {
        const uid = object.plural === 'virtualmachines' ? owner.uid : randomUUID();
        const text = object.value.replaceAll(object.uid, uid).replaceAll(copied, name).replaceAll('node-1"', `node-${(number % nodes.length) + 1}"`).replaceAll(address, `10.42.${number >> 8}.${number & 255}`);
        const value = JSON.parse(text) as KubeObject;
        if (object.plural !== 'virtualmachines') value.metadata.ownerReferences = [owner];
        insert.run(object.api_group, object.plural, object.namespace, object.name.replace(copied, name), uid, object.revision, JSON.stringify(value));
      }
    }
    db.exec('COMMIT');
  } finally {
    db.close();
  }
}

interface StoredObject {
  api_group: string;
  plural: string;
  namespace: string;
  name: string;
  uid: string;
  revision: number;
  value: string;
}

/** Three nodes of Harvester 1.7 with its Longhorn, and machines as its own interface makes them. */
import type { VirtualMachineImage, VolumeClaimTemplate } from '../../shared/kube/harvester.ts';
import type { VirtualMachine } from '../../shared/kube/kubevirt.ts';
import type { LonghornNode } from '../../shared/kube/longhorn.ts';
import type { VirtualMachineInstanceMigration } from '../../shared/kube/migration.ts';
import type { KubeObject } from '../../shared/kube/object.ts';
import { definitionsOf, harvesterKinds, kubeVirtKinds } from './definitions.ts';
import type { RecordedCluster } from './load.ts';
import { at, cdi, claim, event, instanceOf, kubeVirt, machine, namespace, node, pod, running, stopped, storageClass } from './objects.ts';

export const harvesterVersion = 'v1.34.2+rke2r1';
const nodes = ['rack-1', 'rack-2', 'rack-3'];
const gib = 2 ** 30;
const image: VirtualMachineImage = {
  apiVersion: 'harvesterhci.io/v1beta1',
  kind: 'VirtualMachineImage',
  metadata: { name: 'image-deb12', namespace: 'default', labels: { 'harvesterhci.io/image-type': 'raw_qcow2', 'harvesterhci.io/os-type': 'debian' } },
  spec: { backend: 'backingimage', displayName: 'debian-12.qcow2', sourceType: 'download', url: 'https://images.example.org/debian-12.qcow2' },
  status: {
    ...{ progress: 100, size: 345_243_648, virtualSize: 3 * gib, storageClassName: 'longhorn-image-deb12' },
    conditions: ['Initialized', 'Imported'].map((type) => ({ type, status: 'True' })),
  },
};

const usual = { 'harvesterhci.io/creator': 'harvester', 'harvesterhci.io/os': 'debian' };

/** Of a disk that begins as a copy of the image. */
export function claimTemplate(claimName: string, size: string): VolumeClaimTemplate {
  return {
    metadata: { name: claimName, annotations: { 'harvesterhci.io/imageId': 'default/image-deb12' } },
    spec: { accessModes: ['ReadWriteMany'], volumeMode: 'Block', storageClassName: 'longhorn-image-deb12', resources: { requests: { storage: size } } },
  };
}

/** Limits as they were asked for; guest memory and requests as its webhook made them of these, at 1000 and 150 percent. */
function ofHarvester(name: string, memoryGi: number, status: NonNullable<VirtualMachine['status']>, runStrategy: 'Halted' | 'RerunOnFailure'): VirtualMachine {
  const root = `${name}-disk-0-x2k4p`;
  return machine({
    ...{ name, cores: 4, memory: `${memoryGi * 1024 - 100}Mi`, runStrategy, status, evictionStrategy: 'LiveMigrateIfPossible' },
    resources: { limits: { cpu: '4', memory: `${memoryGi}Gi` }, requests: { cpu: '400m', memory: `${Math.floor((memoryGi * 1024) / 1.5)}Mi` } },
    labels: usual,
    annotations: { 'harvesterhci.io/volumeClaimTemplates': JSON.stringify([claimTemplate(root, '40Gi')]), 'network.harvesterhci.io/ips': '[]', 'harvesterhci.io/vmRunStrategy': 'RerunOnFailure' },
    templateLabels: { ...usual, 'harvesterhci.io/vmName': name },
    disks: [{ name: 'disk-0', disk: { bus: 'virtio' }, bootOrder: 1 }],
    volumes: [{ name: 'disk-0', persistentVolumeClaim: { claimName: root } }],
  });
}

const machines = {
  gitea: ofHarvester('gitea', 4, running(), 'RerunOnFailure'),
  nas: ofHarvester('nas', 8, stopped(), 'Halted'),
  // What takes the room of two of the nodes.
  lake: ofHarvester('lake', 36, running(), 'RerunOnFailure'),
  forge: ofHarvester('forge', 36, running(), 'RerunOnFailure'),
};

const moved: VirtualMachineInstanceMigration = {
  apiVersion: 'kubevirt.io/v1',
  kind: 'VirtualMachineInstanceMigration',
  metadata: { name: 'gitea-8xk2l', namespace: 'default' },
  spec: { vmiName: 'gitea' },
  status: { phase: 'Succeeded', migrationState: { sourceNode: 'rack-2', targetNode: 'rack-1', startTimestamp: at, endTimestamp: at, completed: true, mode: 'PreCopy' } },
};

function longhornNode(name: string): LonghornNode {
  const disk = 'default-disk-1030500000000';
  const good = ['Ready', 'Schedulable'].map((type) => ({ type, status: 'True' as const, lastTransitionTime: at }));
  return {
    apiVersion: 'longhorn.io/v1beta2',
    kind: 'Node',
    metadata: { name, namespace: 'longhorn-system' },
    spec: { allowScheduling: true, evictionRequested: false, tags: [], disks: { [disk]: { allowScheduling: true, evictionRequested: false, storageReserved: 60 * gib, tags: [] } } },
    status: { conditions: good, diskStatus: { [disk]: { storageMaximum: 490 * gib, storageAvailable: 350 * gib, storageScheduled: 160 * gib, conditions: good } } },
  };
}

/** A volume, and a copy of it on each node. */
function longhornVolume(claimName: string, nodeID: string): KubeObject[] {
  const name = `pvc-${claimName}`;
  const state = nodeID === '' ? 'detached' : 'attached';
  const replica = (on: string): object => ({
    ...{ apiVersion: 'longhorn.io/v1beta2', kind: 'Replica', metadata: { name: `${name}-r-${on.slice(-1)}`, namespace: 'longhorn-system' } },
    spec: { volumeName: name, volumeSize: String(40 * gib), nodeID: on, diskID: '9b4c6c8e-1d2f-4a37-8a61-000000000001', active: true },
    status: { currentState: nodeID === '' ? 'stopped' : 'running' },
  });
  const volume = {
    ...{ apiVersion: 'longhorn.io/v1beta2', kind: 'Volume', metadata: { name, namespace: 'longhorn-system' } },
    // Longhorn writes sizes of 64 bits as text.
    spec: { size: String(40 * gib), numberOfReplicas: 3, accessMode: 'rwx', migratable: true, dataLocality: 'disabled', dataEngine: 'v1', backingImage: 'vmi-deb12', frontend: 'blockdev' },
    status: {
      ...{ state, robustness: nodeID === '' ? 'unknown' : 'healthy', actualSize: 3 * gib, currentNodeID: nodeID, ownerID: 'rack-1' },
      kubernetesStatus: { namespace: 'default', pvcName: claimName, pvName: name, pvStatus: 'Bound' },
    },
  };
  return [volume, ...nodes.map(replica)] as KubeObject[];
}

const setting = (apiVersion: string, name: string, value: string, more: Record<string, unknown> = {}): KubeObject =>
  ({ apiVersion, kind: 'Setting', metadata: { name, ...(apiVersion.startsWith('longhorn') ? { namespace: 'longhorn-system' } : {}) }, value, ...more }) as KubeObject;

const parameters = { migratable: 'true', numberOfReplicas: '3', staleReplicaTimeout: '30' };
const running3 = [
  instanceOf(machines.gitea, 'rack-1', '10.52.0.31', [{ type: 'AgentConnected', status: 'True' }, { type: 'LiveMigratable', status: 'True' }]),
  instanceOf(machines.lake, 'rack-1', '10.52.0.32', [{ type: 'LiveMigratable', status: 'True' }]),
  instanceOf(machines.forge, 'rack-3', '10.52.2.33', [{ type: 'LiveMigratable', status: 'True' }]),
];

export const harvesterCluster: RecordedCluster = {
  definitions: [...definitionsOf(kubeVirtKinds), ...definitionsOf(harvesterKinds)],
  objects: [
    ...['harvester-system', 'longhorn-system'].map(namespace),
    kubeVirt('harvester-system', 'v1.8.4', { developerConfiguration: { featureGates: ['CPUManager', 'DeclarativeHotplugVolumes', 'ExpandDisks', 'EnableVirtioFsConfigVolumes', 'HostDevices'] } }),
    cdi('v1.65.0'),
    setting('harvesterhci.io/v1beta1', 'server-version', 'v1.7.0'),
    setting('harvesterhci.io/v1beta1', 'overcommit-config', '', { default: '{"cpu":1000,"memory":150,"storage":100}' }),
    ...nodes.map((name) => node({ name, memory: '32Gi', cpus: 16, kubelet: harvesterVersion, os: 'Harvester v1.7.0', labels: { 'harvesterhci.io/managed': 'true', 'network.harvesterhci.io/mgmt': 'true' } })),
    ...nodes.map((name) => pod(`instance-manager-${name}`, 'longhorn-system', name, { cpu: '1920m', memory: '0' }, { 'longhorn.io/component': 'instance-manager' })),
    ...nodes.map((name) => pod(`virt-handler-${name}`, 'harvester-system', name, { cpu: '10m', memory: '325Mi' }, { 'kubevirt.io': 'virt-handler' })),
    storageClass('harvester-longhorn', 'driver.longhorn.io', { parameters, allowVolumeExpansion: true, volumeBindingMode: 'Immediate', usual: true }),
    storageClass('longhorn-image-deb12', 'driver.longhorn.io', { parameters: { ...parameters, backingImage: 'vmi-deb12', backingImageDataSourceType: 'download' }, allowVolumeExpansion: true, volumeBindingMode: 'Immediate' }),
    image,
    setting('longhorn.io/v1beta2', 'storage-over-provisioning-percentage', '100'),
    setting('longhorn.io/v1beta2', 'storage-minimal-available-percentage', '25'),
    ...nodes.map(longhornNode),
    ...['gitea', 'nas', 'lake', 'forge'].flatMap((name) => {
      const annotations = { 'harvesterhci.io/imageId': 'default/image-deb12', 'harvesterhci.io/owned-by': JSON.stringify([{ schema: 'kubevirt.io.virtualmachine', refs: [`default/${name}`] }]) };
      return claim(`${name}-disk-0-x2k4p`, '40Gi', 'longhorn-image-deb12', { accessModes: ['ReadWriteMany'], volumeMode: 'Block', annotations });
    }),
    ...[...longhornVolume('gitea-disk-0-x2k4p', 'rack-1'), ...longhornVolume('nas-disk-0-x2k4p', '')],
    { apiVersion: 'k8s.cni.cncf.io/v1', kind: 'NetworkAttachmentDefinition', metadata: { name: 'vlan-7', namespace: 'default', labels: { 'network.harvesterhci.io/clusternetwork': 'mgmt', 'network.harvesterhci.io/type': 'L2VlanNetwork', 'network.harvesterhci.io/vlan-id': '7', 'network.harvesterhci.io/ready': 'true' } }, spec: { config: '{"cniVersion":"0.3.1","name":"vlan-7","type":"bridge","bridge":"mgmt-br","promiscMode":true,"vlan":7,"ipam":{}}' } } as KubeObject,
    ...Object.values(machines),
    ...running3,
    moved,
    event('gitea.1', { kind: 'VirtualMachineInstance', name: 'gitea' }, 'Normal', 'Migrated', 'The VirtualMachineInstance migrated to node rack-1.', 'virt-handler'),
  ],
};

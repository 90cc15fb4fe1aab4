/** Three nodes of k3s with KubeVirt 1.9 and CDI, disks on k3s' own local-path: what such a cluster has after some machines were made. */
import type { DataVolume } from '../../shared/kube/cdi.ts';
import type { VirtualMachine, VirtualMachineInstance } from '../../shared/kube/kubevirt.ts';
import { definitionsOf, kubeVirtKinds } from './definitions.ts';
import type { RecordedCluster } from './load.ts';
import { at, cdi, claim, event, instanceOf, kubeVirt, machine, namespace, node, pod, running, stopped, storageClass } from './objects.ts';

export const kubeVirtVersion = 'v1.34.2+k3s1';
const k3s = { memory: '16Gi', cpus: 8, kubelet: kubeVirtVersion, os: 'Debian GNU/Linux 12 (bookworm)' };
const nodes = ['node-1', 'node-2', 'node-3'];

/** A machine with a disk of its own on local-path, which is on one node and stays there. */
function withDisk(name: string, memory: string, status: NonNullable<VirtualMachine['status']>, runStrategy: 'Halted' | 'RerunOnFailure'): VirtualMachine {
  return machine({
    ...{ name, cores: 2, memory, runStrategy, status },
    labels: { app: name },
    templateLabels: { 'kubevirt.io/domain': name },
    disks: [{ name: 'root', disk: { bus: 'virtio' }, bootOrder: 1 }],
    volumes: [{ name: 'root', dataVolume: { name: `${name}-root` } }],
    dataVolumeTemplates: [{ metadata: { name: `${name}-root` }, spec: { source: { http: { url: 'https://images.example.org/debian-12.qcow2' } }, storage: { resources: { requests: { storage: '20Gi' } } } } }],
  });
}

function volume(name: string): DataVolume {
  return {
    apiVersion: 'cdi.kubevirt.io/v1beta1',
    kind: 'DataVolume',
    metadata: { name, namespace: 'default' },
    spec: { source: { http: { url: 'https://images.example.org/debian-12.qcow2' } }, storage: { resources: { requests: { storage: '20Gi' } } } },
    status: {
      ...{ phase: 'Succeeded', progress: '100.0%', claimName: name },
      conditions: ['Bound', 'Ready'].map((type) => ({ type, status: 'True', lastTransitionTime: at })),
    },
  };
}

const web = withDisk('web', '4Gi', { ...running(), conditions: [{ type: 'Ready', status: 'True' }] }, 'RerunOnFailure');
const db = withDisk('db', '8Gi', stopped(), 'Halted');

/** Its disk is a container image's: nothing of it is bound to a node. */
const cache = machine({
  ...{ name: 'cache', cores: 1, memory: '2Gi', runStrategy: 'RerunOnFailure', status: running(), evictionStrategy: 'LiveMigrateIfPossible' },
  labels: { app: 'cache' },
  templateLabels: { 'kubevirt.io/domain': 'cache' },
  disks: [{ name: 'scratch', disk: { bus: 'virtio' } }],
  volumes: [{ name: 'scratch', emptyDisk: { capacity: '2Gi' } }],
});

const unfit = '0/3 nodes are available: 3 Insufficient memory. preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.';
const build = withDisk('build', '48Gi', {
  ...{ created: true, printableStatus: 'ErrorUnschedulable' },
  conditions: [
    { type: 'Ready', status: 'False', reason: 'GuestNotRunning', message: 'Guest VM is not reported as running', lastTransitionTime: at },
    { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: unfit, lastTransitionTime: at },
  ],
}, 'RerunOnFailure');
const waiting: VirtualMachineInstance = {
  apiVersion: 'kubevirt.io/v1',
  kind: 'VirtualMachineInstance',
  metadata: { name: 'build', namespace: 'default', labels: { 'kubevirt.io/domain': 'build' } },
  spec: build.spec.template.spec,
  status: {
    phase: 'Scheduling',
    conditions: [
      { type: 'Ready', status: 'False', reason: 'GuestNotRunning', message: 'Guest VM is not reported as running', lastTransitionTime: at },
      { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: unfit, lastTransitionTime: at },
    ],
  },
};

export const kubeVirtCluster: RecordedCluster = {
  definitions: definitionsOf(kubeVirtKinds),
  objects: [
    ...['kubevirt', 'cdi'].map(namespace),
    kubeVirt('kubevirt', 'v1.9.0', {}),
    cdi('v1.66.0'),
    ...nodes.map((name, index) => node({ name, ...k3s, labels: index === 0 ? { 'node-role.kubernetes.io/control-plane': 'true' } : {} })),
    storageClass('local-path', 'rancher.io/local-path', { volumeBindingMode: 'WaitForFirstConsumer', usual: true }),
    ...nodes.map((name) => pod(`virt-handler-${name}`, 'kubevirt', name, { cpu: '10m', memory: '325Mi' }, { 'kubevirt.io': 'virt-handler' })),
    ...['web', 'db', 'build'].flatMap((name) => [volume(`${name}-root`), claim(`${name}-root`, '20Gi', 'local-path')]),
    ...[web, db, cache, build],
    instanceOf(web, 'node-1', '10.42.0.21', [
      { type: 'AgentConnected', status: 'True' },
      { type: 'LiveMigratable', status: 'False', reason: 'DisksNotLiveMigratable', message: 'cannot migrate VMI: PVC web-root is not shared, live migration requires that all PVCs must be shared (using ReadWriteMany access mode)' },
    ]),
    instanceOf(cache, 'node-2', '10.42.1.8', [{ type: 'LiveMigratable', status: 'True' }]),
    waiting,
    event('virt-launcher-build-x7k2p.1', { kind: 'Pod', name: 'virt-launcher-build-x7k2p' }, 'Warning', 'FailedScheduling', unfit, 'default-scheduler'),
    event('web.1', { kind: 'VirtualMachineInstance', name: 'web' }, 'Normal', 'Started', 'VirtualMachineInstance started.', 'virt-handler'),
  ],
};

import { describe, expect, it } from 'vitest';
import type { PlacementRequest } from '#shared/contract/placement.ts';
import type { CsiStorageCapacity, Pod, ResourceQuota } from '#shared/kube/capacity.ts';
import type { KubeNode, StorageClass } from '#shared/kube/core.ts';
import type { VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import type { LonghornNode } from '#shared/kube/longhorn.ts';
import { judge } from './judge.ts';
import { domainOf, podRequests, sizeOf } from './pod-size.ts';
import { kubeVirtRatios, type Room } from './room.ts';
import { ratiosOf } from './room-sources.ts';

const mib = 2 ** 20;
const gib = 2 ** 30;

const request: PlacementRequest = { clusterId: 'far', namespace: 'default', cores: 2, memoryBytes: 4 * gib, disks: [{ sizeBytes: 20 * gib }], start: true };

function node(name: string, memory: string, more: Partial<KubeNode['spec']> & { labels?: Record<string, string>; ready?: 'False' } = {}): KubeNode {
  const { labels = {}, ready = 'True', ...spec } = more;
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubevirt.io/schedulable': 'true', 'kubernetes.io/hostname': name, ...labels } },
    spec,
    status: { capacity: { cpu: '4', memory }, allocatable: { cpu: '4', memory }, conditions: [{ type: 'Ready', status: ready }] },
  };
}

function instance(name: string, nodeName: string, guest: string): VirtualMachineInstance {
  const spec = { domain: { cpu: { cores: 1 }, memory: { guest }, devices: {} } };
  return { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachineInstance', metadata: { name, namespace: 'default' }, spec, status: { phase: 'Running', nodeName } };
}

function storageClass(name: string, provisioner: string, more: Partial<StorageClass> = {}): StorageClass {
  return { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } }, provisioner, ...more };
}

function room(more: Partial<Room> = {}): Room {
  return {
    flavour: 'kubevirt',
    place: 'Attic',
    nodes: [node('node-1', '16Gi'), node('node-2', '16Gi'), node('node-3', '16Gi')],
    instances: [],
    otherPods: [],
    ratios: kubeVirtRatios,
    classes: [storageClass('local-path', 'rancher.io/local-path')],
    ...more,
  };
}

const of = (more: Partial<Room>, asked: Partial<PlacementRequest> = {}): string => judge({ ...request, ...asked }, room(more)).sentence;

describe('what a machine asks of its node', () => {
  it('is its memory, KubeVirt’s overhead, and a tenth of its processors', () => {
    const size = sizeOf(domainOf(request, kubeVirtRatios), 'kubevirt', kubeVirtRatios);
    // KubeVirt's own estimate for two processors and a screen, and 8 MiB of page tables for 4 GiB.
    expect(size).toEqual({ memoryBytes: 4 * gib + (296 + 8) * mib, overheadBytes: 304 * mib, cpu: 0.2, guestBytes: 4 * gib });
    expect(sizeOf(domainOf({ ...request, tpm: true, graphics: false }, kubeVirtRatios), 'kubevirt', kubeVirtRatios).overheadBytes).toBe((304 + 53 - 32) * mib);
  });

  it('follows the cluster’s own ratios', () => {
    const ratios = ratiosOf(
      { apiVersion: 'kubevirt.io/v1', kind: 'KubeVirt', metadata: {}, spec: { configuration: { developerConfiguration: { cpuAllocationRatio: 4, memoryOvercommit: 200 }, additionalGuestMemoryOverheadRatio: '1.5' } } },
      undefined,
    );
    expect(sizeOf(domainOf(request, ratios), 'kubevirt', ratios)).toMatchObject({ memoryBytes: 2 * gib + 450 * mib, cpu: 0.5 });
  });

  it('is all of its processors where these are its own', () => {
    expect(sizeOf({ cpu: { cores: 2, dedicatedCpuPlacement: true }, memory: { guest: '4Gi' }, devices: {} }, 'kubevirt', kubeVirtRatios)).toMatchObject({ cpu: 2, overheadBytes: 404 * mib });
  });

  it('is less on Harvester, whose webhook writes the requests', () => {
    const ratios = { ...kubeVirtRatios, harvester: { cpu: 1000, memory: 200 } };
    expect(sizeOf(domainOf(request, ratios), 'harvester', ratios)).toMatchObject({ memoryBytes: 2 * gib + 300 * mib, cpu: 0.2 });
  });

  it('is the guest’s memory alone on the engine', () => {
    expect(sizeOf(domainOf(request, kubeVirtRatios), 'engine', kubeVirtRatios)).toMatchObject({ memoryBytes: 4 * gib, cpu: 0 });
  });

  it('counts a pod as the scheduler does', () => {
    const container = (memory: string, more = {}): Pod['spec']['containers'][number] => ({ name: 'c', resources: { requests: { memory, cpu: '100m' } }, ...more });
    const pod = (spec: Pod['spec']): Pod => ({ apiVersion: 'v1', kind: 'Pod', metadata: {}, spec });
    expect(podRequests(pod({ containers: [container('1Gi'), container('1Gi')], initContainers: [container('3Gi')] })).memoryBytes).toBe(3 * gib);
    expect(podRequests(pod({ containers: [container('1Gi')], initContainers: [container('1Gi', { restartPolicy: 'Always' })] }))).toEqual({ memoryBytes: 2 * gib, cpu: 0.2 });
  });
});

describe('memory and processors', () => {
  it('fit where the scheduler has them left', () => {
    expect(of({})).toBe('Fits on each of the 3 nodes.');
    expect(of({ instances: [instance('a', 'node-1', '12Gi'), instance('b', 'node-3', '12Gi')] })).toBe('Fits on node-2 only.');
    expect(of({ instances: [instance('a', 'node-2', '12Gi')] })).toBe('Fits on node-1 and node-3.');
  });

  it('are set aside on both nodes while a machine moves', () => {
    const moving = instance('a', 'node-1', '12Gi');
    const to = (more: object): VirtualMachineInstance => ({ ...moving, status: { ...moving.status, migrationState: { sourceNode: 'node-1', targetNode: 'node-2', ...more } } });
    expect(of({ instances: [to({})] })).toBe('Fits on node-3 only.');
    expect(of({ instances: [to({ failed: true })] })).toBe('Fits on node-2 and node-3.');
  });

  it('are gone where other pods have asked for them', () => {
    const pod: Pod = { apiVersion: 'v1', kind: 'Pod', metadata: {}, spec: { nodeName: 'node-1', containers: [{ name: 'c', resources: { requests: { memory: '14Gi' } } }] } };
    const { sentence, nodes } = judge(request, room({ otherPods: [pod] }));
    expect(sentence).toBe('Fits on node-2 and node-3.');
    expect(nodes[0]).toMatchObject({ name: 'node-1', fits: false, memoryFreeBytes: 2 * gib, reasons: ['It needs 4.3 GiB of memory, and node-1 has 2 GiB left.'] });
    expect(of({ otherPods: [{ ...pod, status: { phase: 'Succeeded' } }] })).toBe('Fits on each of the 3 nodes.');
  });

  it('are told in figures where no node has enough', () => {
    const instances = ['1', '2', '3'].map((n) => instance(n, `node-${n}`, `${8 + Number(n)}Gi`));
    expect(of({ instances }, { memoryBytes: 8 * gib })).toBe('No node has 8.3 GiB free: the most is 6.7 GiB on node-1.');
    expect(of({ nodes: [node('node-1', '2Gi')] })).toBe('It needs 4.3 GiB of memory, and node-1 has 2 GiB left.');
    expect(of({}, { cores: 48 })).toBe('No node has 4.8 processors to set aside: the most is 4 processors on node-1.');
  });

  it('are promised more than once only where the cluster allows it, which is said', () => {
    const ratios = { ...kubeVirtRatios, memoryOvercommit: 200 };
    const { tone, sentence } = judge({ ...request, memoryBytes: 12 * gib }, room({ ratios, nodes: [node('node-1', '16Gi')], instances: [instance('a', 'node-1', '10Gi')] }));
    expect([tone, sentence]).toEqual(['warning', 'Fits on node-1, but then the memory of node-1 is promised 1.4 times over.']);
  });

  it('may be in use although nobody asked for them', () => {
    const memoryUsed = new Map([['node-1', 15 * gib], ['node-2', 14 * gib], ['node-3', 15.5 * gib]]);
    expect(judge(request, room({ memoryUsed }))).toMatchObject({ tone: 'warning', sentence: 'Fits on each of the 3 nodes, but only 1 GiB of the memory of node-1 are unused at the moment.' });
    memoryUsed.set('node-2', 2 * gib);
    expect(of({ memoryUsed })).toBe('Fits on each of the 3 nodes.');
  });
});

describe('nodes that take nothing', () => {
  it('are left out, each with its reason', () => {
    const nodes = [
      node('node-1', '16Gi', { unschedulable: true }),
      node('node-2', '16Gi', { taints: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }] }),
      node('node-3', '16Gi', { labels: { 'kubevirt.io/schedulable': 'false' } }),
      node('node-4', '16Gi', { ready: 'False' }),
    ];
    const { sentence, tone, refused, nodes: views } = judge(request, room({ nodes }));
    expect([sentence, tone, refused]).toEqual(['No node takes new machines now.', 'bad', false]);
    expect(views.map(({ reasons }) => reasons[0])).toEqual([
      'node-1 is cordoned: it takes nothing new.',
      'node-2 is kept for others by its taint node-role.kubernetes.io/control-plane.',
      'KubeVirt does not run machines on node-3 now.',
      'node-4 is not ready.',
    ]);
    expect(of({ nodes: [...nodes, node('node-5', '16Gi', { taints: [{ key: 'soft', effect: 'PreferNoSchedule' }] })] })).toBe('Fits on node-5 only.');
  });

  it('are those without the labels that it asks for', () => {
    const nodes = [node('node-1', '16Gi', { labels: { disk: 'ssd' } }), node('node-2', '16Gi')];
    expect(of({ nodes }, { nodeSelector: { disk: 'ssd' } })).toBe('Fits on node-1 only.');
  });

  it('are not known where they may not be read', () => {
    expect(judge(request, room({ nodes: [] }))).toMatchObject({ tone: 'unknown', refused: false, sentence: 'Whether it fits is not known: the nodes of Attic cannot be read.' });
  });
});

describe('quotas', () => {
  const quota = (hard: Record<string, string>, used: Record<string, string> = {}, scopes?: string[]): ResourceQuota => ({
    ...{ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'team' } },
    spec: { hard, ...(scopes ? { scopes } : {}) },
    status: { hard, used },
  });

  it.each([
    [{ 'requests.memory': '8Gi' }, { 'requests.memory': '6Gi' }, 'Over quota: 6 GiB of 8 GiB of memory are used in default, and it takes 4.3 GiB (ResourceQuota team, requests.memory).'],
    [{ 'requests.storage': '100Gi' }, { 'requests.storage': '90Gi' }, 'Over quota: 90 GiB of 100 GiB of disk space are used in default, and it takes 20 GiB (ResourceQuota team, requests.storage).'],
    [{ 'local-path.storageclass.storage.k8s.io/requests.storage': '10Gi' }, {}, 'Over quota: 0 B of 10 GiB of disk space are used in default, and it takes 20 GiB (ResourceQuota team, local-path.storageclass.storage.k8s.io/requests.storage).'],
    [{ 'count/virtualmachines.kubevirt.io': '2' }, { 'count/virtualmachines.kubevirt.io': '2' }, 'Over quota: 2 of 2 machines are there in default, and it takes 1 (ResourceQuota team, count/virtualmachines.kubevirt.io).'],
    [{ 'requests.cpu': '500m' }, { 'requests.cpu': '400m' }, 'Over quota: 0.4 of 0.5 processors are used in default, and it takes 0.2 (ResourceQuota team, requests.cpu).'],
  ])('that %j leaves no room are the cluster’s refusal', (hard, used, sentence) => {
    expect(judge(request, room({ quotas: [quota(hard, used)] }))).toMatchObject({ tone: 'bad', refused: true, sentence });
  });

  it('are about limits on Harvester', () => {
    const quotas = [quota({ 'limits.memory': '4Gi' })];
    expect(of({ quotas })).toBe('Fits on each of the 3 nodes.');
    expect(of({ quotas, ratios: { ...kubeVirtRatios, harvester: { cpu: 1000, memory: 150 } } })).toMatch(/^Over quota: 0 B of 4 GiB of memory are used in default, and it takes 4\.29 GiB/);
  });

  it('do not count what is not run, nor what is not theirs', () => {
    const quotas = [quota({ 'requests.memory': '1Gi' })];
    expect(of({ quotas }, { start: false })).toBe('Fits on each of the 3 nodes.');
    expect(of({ quotas: [quota({ pods: '0' }, {}, ['BestEffort'])] })).toBe('Fits on each of the 3 nodes.');
    expect(of({ quotas: [quota({ 'requests.memory': '1Gi' }, {}, ['NotTerminating'])] })).toMatch(/^Over quota/);
  });
});

describe('disks', () => {
  const longhornNode = (name: string, available: number, scheduled: number, more: Partial<LonghornNode['spec']> = {}): LonghornNode => ({
    ...{ apiVersion: 'longhorn.io/v1beta2', kind: 'Node', metadata: { name } },
    spec: { allowScheduling: true, disks: { main: { allowScheduling: true, storageReserved: 10 * gib } }, ...more },
    status: { conditions: [{ type: 'Ready', status: 'True' }], diskStatus: { main: { storageAvailable: available, storageScheduled: scheduled, storageMaximum: 110 * gib, conditions: [] } } },
  });
  const classes = [storageClass('longhorn', 'driver.longhorn.io', { parameters: { numberOfReplicas: '2' } })];
  const longhorn = (...nodes: LonghornNode[]): Partial<Room> => ({ classes, longhorn: { nodes, overProvisioning: 100, minimalAvailable: 25 } });

  it('of Longhorn go where its own scheduler would put copies', () => {
    expect(of(longhorn(longhornNode('node-1', 90 * gib, 0), longhornNode('node-2', 90 * gib, 70 * gib)))).toBe('Fits on each of the 3 nodes.');
    const one = judge(request, room(longhorn(longhornNode('node-1', 90 * gib, 0), longhornNode('node-2', 90 * gib, 85 * gib))));
    expect(one).toMatchObject({ tone: 'warning', sentence: 'Fits on each of the 3 nodes, but only 1 of the 2 copies of its disk that longhorn keeps would be made.' });
    const none = judge(request, room(longhorn(longhornNode('node-1', 20 * gib, 0), longhornNode('node-2', 90 * gib, 85 * gib), longhornNode('node-3', 90 * gib, 0, { allowScheduling: false }))));
    expect(none).toMatchObject({ tone: 'bad', refused: false, sentence: 'Longhorn has no node with 20 GiB left for its disk: the most is 15 GiB.' });
    const more = longhorn(longhornNode('node-1', 90 * gib, 85 * gib), longhornNode('node-2', 90 * gib, 85 * gib));
    expect(of({ ...more, longhorn: { nodes: more.longhorn?.nodes ?? [], overProvisioning: 200, minimalAvailable: 25 } })).toBe('Fits on each of the 3 nodes.');
  });

  it('of a driver that tells its capacity go where it has some', () => {
    const capacity = (name: string, size: string): CsiStorageCapacity => ({
      ...{ apiVersion: 'storage.k8s.io/v1', kind: 'CSIStorageCapacity', metadata: { name }, storageClassName: 'lvm', capacity: size },
      nodeTopology: { matchLabels: { 'kubernetes.io/hostname': name } },
    });
    const lvm = storageClass('lvm', 'lvm.csi', { volumeBindingMode: 'WaitForFirstConsumer' });
    const capacities = [capacity('node-1', '10Gi'), capacity('node-2', '50Gi')];
    expect(of({ classes: [lvm], capacities })).toBe('Fits on node-2 only.');
    expect(of({ classes: [{ ...lvm, volumeBindingMode: 'Immediate' }], capacities })).toBe('Fits on each of the 3 nodes.');
    expect(of({ classes: [lvm], capacities }, { disks: [{ sizeBytes: 60 * gib }] })).toBe('lvm has no 60 GiB for its disk: the most is 50 GiB.');
  });

  it('are not known where nobody tells', () => {
    expect(judge(request, room()).notes).toContain('How much room local-path has is not known: its driver does not tell.');
    expect(of({ classes: [] })).toBe('There is no default storage class, and so nothing to make its disk from.');
    expect(of({}, { disks: [{ sizeBytes: gib, storageClass: 'fast' }] })).toBe('There is no storage class fast.');
  });
});

describe('the engine', () => {
  const engine = (more: Partial<Room> = {}): Room => ({
    ...room({ flavour: 'engine', place: 'this computer', nodes: [node('host', '8Gi', { unschedulable: true })] }),
    classes: [{ ...storageClass('standard', 'hayloft.io/qcow2'), metadata: { name: 'standard', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true', 'hayloft.io/disk-free': String(10 * gib) } } }],
    ...more,
  });
  const small = { ...request, disks: [] };

  it('takes what its admission takes, and promises memory twice with a word of warning', () => {
    expect(judge(small, engine())).toMatchObject({ tone: 'good', sentence: 'Fits on this computer.' });
    const given = { instances: [instance('a', 'host', '6Gi')] };
    expect(judge(small, engine(given))).toMatchObject({ tone: 'warning', refused: false, sentence: 'Fits on this computer, but then its memory is promised 1.3 times over.' });
    expect(judge({ ...small, memoryBytes: 9 * gib }, engine())).toMatchObject({ refused: true, sentence: 'This computer has 8 GiB of memory, and it asks for 9 GiB.' });
    expect(judge({ ...small, cores: 17 }, engine())).toMatchObject({ refused: true, sentence: 'This computer has 4 processors, and takes machines with up to 16.' });
  });

  it('warns of disks that cannot fill', () => {
    expect(judge(request, engine()).sentence).toBe('Fits on this computer, but only 10 GiB are free for its disk, which grows as it fills.');
  });
});

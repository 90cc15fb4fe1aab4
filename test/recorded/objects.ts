/** Parts that recorded objects of both clusters are made of. */
import type { Pod } from '../../shared/kube/capacity.ts';
import type { KubeEvent, KubeNode, PersistentVolumeClaim, StorageClass } from '../../shared/kube/core.ts';
import type { DataVolumeTemplate, Disk, VirtualMachine, VirtualMachineInstance, Volume } from '../../shared/kube/kubevirt.ts';
import type { Condition, KubeObject, OwnerReference } from '../../shared/kube/object.ts';

export const at = '2026-10-14T08:00:00Z';
const later = '2026-10-14T08:01:10Z';

export interface NodeFacts {
  name: string;
  memory: string;
  cpus: number;
  kubelet: string;
  os: string;
  labels?: Record<string, string>;
}

/** As the kubelet and virt-handler write it: the heartbeat, and the labels by which KubeVirt finds its nodes. */
export function node({ name, memory, cpus, kubelet, os, labels = {} }: NodeFacts): KubeNode {
  const room = { cpu: String(cpus), memory, pods: '200', 'ephemeral-storage': '490Gi' };
  const condition = (type: string, status: Condition['status'], reason: string): Condition => ({ type, status, reason, message: '', lastHeartbeatTime: at, lastTransitionTime: at });
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/arch': 'amd64', 'kubernetes.io/os': 'linux', 'kubevirt.io/schedulable': 'true', 'cpumanager': 'false', ...labels },
      annotations: { 'kubevirt.io/heartbeat': at },
    },
    spec: {},
    status: {
      capacity: { ...room, 'devices.kubevirt.io/kvm': '1k' },
      allocatable: { ...room, 'devices.kubevirt.io/kvm': '1k' },
      conditions: [condition('MemoryPressure', 'False', 'KubeletHasSufficientMemory'), condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure'), condition('Ready', 'True', 'KubeletReady')],
      addresses: [{ type: 'InternalIP', address: `192.168.7.${10 + Number(name.slice(-1))}` }, { type: 'Hostname', address: name }],
      nodeInfo: { kubeletVersion: kubelet, osImage: os, architecture: 'amd64', operatingSystem: 'linux' },
    },
  };
}

export interface MachineFacts {
  name: string;
  cores: number;
  memory: string;
  runStrategy: NonNullable<VirtualMachine['spec']['runStrategy']>;
  disks: Disk[];
  volumes: Volume[];
  dataVolumeTemplates?: DataVolumeTemplate[];
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  templateLabels?: Record<string, string>;
  /** What Harvester's webhook made of the limits. */
  resources?: NonNullable<VirtualMachine['spec']['template']['spec']['domain']['resources']>;
  evictionStrategy?: string;
  status: NonNullable<VirtualMachine['status']>;
}

export function machine(facts: MachineFacts): VirtualMachine {
  const { name, cores, memory, disks, volumes, resources } = facts;
  return {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    metadata: { name, namespace: 'default', labels: facts.labels ?? {}, annotations: facts.annotations ?? {}, finalizers: ['kubevirt.io/virtualMachineControllerFinalize'] },
    spec: {
      runStrategy: facts.runStrategy,
      ...(facts.dataVolumeTemplates ? { dataVolumeTemplates: facts.dataVolumeTemplates } : {}),
      template: {
        metadata: { labels: facts.templateLabels ?? {} },
        spec: {
          architecture: 'amd64',
          domain: {
            cpu: { cores, sockets: 1, threads: 1 },
            memory: { guest: memory },
            machine: { type: 'q35' },
            ...(resources ? { resources } : {}),
            devices: { disks, interfaces: [{ name: 'default', masquerade: {}, model: 'virtio' }] },
          },
          ...(facts.evictionStrategy ? { evictionStrategy: facts.evictionStrategy } : {}),
          networks: [{ name: 'default', pod: {} }],
          volumes,
        },
      },
    },
    status: { created: false, ready: false, ...facts.status },
  };
}

export const running = (): NonNullable<VirtualMachine['status']> => ({
  ...{ created: true, ready: true, printableStatus: 'Running', runStrategy: 'RerunOnFailure' },
  conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: later }, { type: 'LiveMigratable', status: 'True' }],
});

export const stopped = (): NonNullable<VirtualMachine['status']> => ({
  ...{ printableStatus: 'Stopped' },
  conditions: [{ type: 'Ready', status: 'False', reason: 'VMINotExists', message: 'VMI does not exist', lastTransitionTime: at }],
});

/** The running instance of a machine. @param conditions beside being ready */
export function instanceOf(vm: VirtualMachine, nodeName: string, address: string, conditions: Condition[]): VirtualMachineInstance {
  const { name = '' } = vm.metadata;
  return {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachineInstance',
    metadata: { name, namespace: 'default', labels: { ...vm.spec.template.metadata?.labels, 'kubevirt.io/nodeName': nodeName }, finalizers: ['kubevirt.io/virtualMachineControllerFinalize', 'kubevirt.io/foregroundDeleteVirtualMachine'] },
    spec: vm.spec.template.spec,
    status: {
      phase: 'Running',
      nodeName,
      conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: later }, ...conditions],
      interfaces: [{ name: 'default', interfaceName: 'enp1s0', ipAddress: address, ipAddresses: [address], mac: '02:5a:3c:11:22:33', infoSource: 'domain, guest-agent', linkState: 'up' }],
      guestOSInfo: { id: 'debian', name: 'Debian GNU/Linux', prettyName: 'Debian GNU/Linux 12 (bookworm)', kernelRelease: '6.1.0-25-amd64' },
      phaseTransitionTimestamps: [{ phase: 'Pending', phaseTransitionTimestamp: at }, { phase: 'Running', phaseTransitionTimestamp: later }],
      qosClass: 'Burstable',
    },
  };
}

export function claim(name: string, size: string, storageClassName: string, more: Partial<PersistentVolumeClaim['spec']> & { annotations?: Record<string, string>; owners?: OwnerReference[] } = {}): PersistentVolumeClaim {
  const { annotations = {}, owners, ...spec } = more;
  const accessModes = spec.accessModes ?? ['ReadWriteOnce'];
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, namespace: 'default', annotations, ...(owners ? { ownerReferences: owners } : {}) },
    spec: { accessModes, volumeMode: 'Filesystem', storageClassName, volumeName: `pvc-${name}`, resources: { requests: { storage: size } }, ...spec },
    status: { phase: 'Bound', accessModes, capacity: { storage: size } },
  };
}

export function storageClass(name: string, provisioner: string, more: Partial<StorageClass> & { usual?: true } = {}): StorageClass {
  const { usual, ...rest } = more;
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name, ...(usual ? { annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } } : {}) },
    provisioner,
    reclaimPolicy: 'Delete',
    ...rest,
  };
}

export function pod(name: string, namespace: string, nodeName: string, requests: { cpu: string; memory: string }, labels: Record<string, string>): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels },
    spec: { nodeName, containers: [{ name: name.split('-').slice(0, -1).join('-') || name, resources: { requests } }] },
    status: { phase: 'Running' },
  };
}

export function event(name: string, about: { kind: string; name: string }, type: 'Normal' | 'Warning', reason: string, message: string, component: string): KubeEvent {
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, namespace: 'default' },
    involvedObject: { apiVersion: about.kind === 'Pod' ? 'v1' : 'kubevirt.io/v1', kind: about.kind, namespace: 'default', name: about.name },
    type,
    reason,
    message,
    count: 1,
    firstTimestamp: later,
    lastTimestamp: later,
    source: { component },
  };
}

export const kubeVirt = (namespace: string, version: string, configuration: Record<string, unknown>): KubeObject =>
  ({
    apiVersion: 'kubevirt.io/v1',
    kind: 'KubeVirt',
    metadata: { name: 'kubevirt', namespace },
    spec: { configuration },
    status: { phase: 'Deployed', observedKubeVirtVersion: version, operatorVersion: version, targetKubeVirtVersion: version },
  }) as KubeObject;

export const cdi = (version: string): KubeObject =>
  ({ apiVersion: 'cdi.kubevirt.io/v1beta1', kind: 'CDI', metadata: { name: 'cdi' }, spec: {}, status: { phase: 'Deployed', observedVersion: version } }) as KubeObject;

export const namespace = (name: string): KubeObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });

import { describe, expect, it } from 'vitest';
import type { DataVolume } from '#shared/kube/cdi.ts';
import type { KubeEvent, PersistentVolumeClaim } from '#shared/kube/core.ts';
import type { PrintableStatus, VirtualMachine, VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import type { Condition } from '#shared/kube/object.ts';
import { explain, type Explanation } from './explain.ts';
import type { Evidence } from './evidence.ts';
import { plainScheduling } from './scheduling.ts';

interface Facts {
  strategy?: NonNullable<VirtualMachine['spec']['runStrategy']>;
  machine?: Condition[];
  status?: VirtualMachine['status'];
  metadata?: Partial<VirtualMachine['metadata']>;
  instance?: Partial<VirtualMachineInstance['status']> & { startStrategy?: 'Paused' };
  disks?: { name: string; dataVolume?: DataVolume['status']; claim?: Partial<PersistentVolumeClaim> | 'missing' }[];
  containerDisks?: string[];
  events?: Partial<KubeEvent>[];
}

const condition = (type: string, status: Condition['status'], reason = '', message = ''): Condition => ({ type, status, reason, message });
const event = (reason: string, message: string, about: string, minute = 0, type: 'Normal' | 'Warning' = 'Warning'): Partial<KubeEvent> => ({
  reason,
  message,
  type,
  involvedObject: { kind: 'Any', name: about },
  lastTimestamp: `2026-03-01T10:${String(minute).padStart(2, '0')}:00Z`,
});

function evidence(printableStatus: PrintableStatus, facts: Facts = {}): Evidence {
  const { disks = [], containerDisks = [], instance } = facts;
  const { startStrategy, ...instanceStatus } = instance ?? {};
  const volumes = [
    ...disks.map(({ name, dataVolume }) => (dataVolume ? { name, dataVolume: { name } } : { name, persistentVolumeClaim: { claimName: name } })),
    ...containerDisks.map((image, index) => ({ name: `image${index}`, containerDisk: { image } })),
  ];
  const domain = { devices: {} };
  return {
    vm: {
      apiVersion: 'kubevirt.io/v1',
      kind: 'VirtualMachine',
      metadata: { name: 'loft', namespace: 'default', ...facts.metadata },
      spec: { runStrategy: facts.strategy ?? 'Always', template: { spec: { domain, volumes } } },
      status: { printableStatus, conditions: facts.machine ?? [], ...facts.status },
    },
    vmi: instance && {
      apiVersion: 'kubevirt.io/v1',
      kind: 'VirtualMachineInstance',
      metadata: { name: 'loft' },
      spec: { domain, ...(startStrategy ? { startStrategy } : {}) },
      status: instanceStatus,
    },
    volumes: disks.flatMap(({ name, dataVolume }) =>
      dataVolume ? [{ apiVersion: 'cdi.kubevirt.io/v1beta1', kind: 'DataVolume', metadata: { name }, spec: {}, status: dataVolume }] : [],
    ),
    claim: (name) => {
      const found = disks.find((disk) => disk.name === name)?.claim;
      return found === 'missing' || found === undefined ? undefined : { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name }, spec: {}, ...found };
    },
    events: (facts.events ?? []) as KubeEvent[],
  };
}

const told = (printableStatus: PrintableStatus, facts?: Facts): Explanation | undefined => explain(evidence(printableStatus, facts));
const sentence = (printableStatus: PrintableStatus, facts?: Facts): string | undefined => told(printableStatus, facts)?.sentence;

describe('a machine that needs no explanation', () => {
  it.each<[string, PrintableStatus, Facts]>([
    ['runs', 'Running', { instance: { phase: 'Running' } }],
    ['moves', 'Migrating', { instance: { phase: 'Running' } }],
    ['was turned off', 'Stopped', { strategy: 'Halted' }],
    ['was turned off, and both say so', 'Stopped', { strategy: 'Halted', machine: [condition('Ready', 'False', 'VMINotExists', 'VMI does not exist')] }],
  ])('%s', (_, status, facts) => expect(told(status, facts)).toBeUndefined());
});

describe('a machine that runs', () => {
  it('says that changes wait for a restart', () => {
    expect(told('Running', { machine: [condition('RestartRequired', 'True', '', 'a non-live-updatable field was changed')] })).toMatchObject({
      tone: 'info',
      sentence: 'It was changed, and the changes wait for its next restart.',
    });
  });

  it('says that keys could not be put into the guest', () => {
    expect(sentence('Running', { instance: { conditions: [condition('AccessCredentialsSynchronized', 'False', '', 'no guest agent')] } })).toBe(
      'Its SSH keys or passwords could not be put into the guest: no guest agent.',
    );
  });
});

describe('a machine that no node can run', () => {
  const message =
    '0/4 nodes are available: 1 Insufficient memory, 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 2 Insufficient cpu. preemption: 0/4 nodes are available: 4 No preemption victims found for incoming pod.';

  it('says what each node lacks, from the instance’s condition', () => {
    expect(told('ErrorUnschedulable', { instance: { phase: 'Scheduling', conditions: [condition('PodScheduled', 'False', 'Unschedulable', message)] } })).toEqual({
      tone: 'bad',
      sentence: 'No node can run it: 1 node has too little memory free, 1 node is kept for others (node-role.kubernetes.io/control-plane), 2 nodes have too few processors free.',
      next: 'Stop other machines, give this one less memory or fewer processors, or add a node.',
    });
  });

  it('reads it from the pod’s event where no condition tells', () => {
    const events = [event('FailedScheduling', "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.", 'virt-launcher-loft-abcde')];
    expect(sentence('ErrorUnschedulable', { events })).toBe('No node can run it: 1 node does not match what the machine asks of a node.');
  });

  it('is still told while it only says that it starts', () => {
    expect(sentence('Starting', { instance: { phase: 'Scheduling', conditions: [condition('PodScheduled', 'False', 'Unschedulable', '0/1 nodes are available: 1 node(s) were unschedulable.')] } })).toBe(
      'No node can run it: 1 node is closed for new machines.',
    );
  });

  it('without a reason is told without one', () => expect(sentence('ErrorUnschedulable')).toBe('No node can run it.'));

  it.each([
    ['0/2 nodes are available: 2 node(s) had volume node affinity conflict.', '2 nodes cannot reach its disk'],
    ['0/2 nodes are available: 2 Insufficient devices.kubevirt.io/kvm.', '2 nodes have no hardware virtualization'],
    ['0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/unreachable: }.', '1 node does not answer'],
    ['0/1 nodes are available: 1 of a kind nobody has seen.', '1 node refuses it: of a kind nobody has seen'],
    ['Something else', undefined],
  ])('%s', (text, plain) => expect(plainScheduling(text)).toBe(plain));
});

describe('a machine whose disks are not there', () => {
  it('says why a disk could not be made', () => {
    const conditions = [condition('Running', 'False', 'Error', 'Unable to connect to http data source: expected status code 200, got 404')];
    expect(told('DataVolumeError', { disks: [{ name: 'root', dataVolume: { phase: 'Failed', conditions } }] })).toMatchObject({
      tone: 'bad',
      sentence: 'Its disk root could not be made: Unable to connect to http data source: expected status code 200, got 404.',
    });
  });

  it('does not wait with that until CDI gives up, as it never does', () => {
    const conditions = [condition('Running', 'False', 'Error', 'no such host')];
    expect(told('Provisioning', { disks: [{ name: 'root', dataVolume: { phase: 'ImportInProgress', restartCount: 3, conditions } }] })?.tone).toBe('bad');
    expect(told('Provisioning', { disks: [{ name: 'root', dataVolume: { phase: 'ImportInProgress', restartCount: 1, conditions } }] })?.tone).toBe('info');
  });

  it('advises to free space when that was lacking', () => {
    expect(told('DataVolumeError', { disks: [{ name: 'root', dataVolume: { phase: 'Failed' } }], events: [event('ImportFailed', 'No space left on device', 'root')] })?.next).toMatch(/Free some space/);
  });

  it('says how far a disk is', () => {
    expect(sentence('Provisioning', { disks: [{ name: 'root', dataVolume: { phase: 'ImportInProgress', progress: '45.2%' } }] })).toBe('Its disk root is being made (45.2%).');
    expect(sentence('Provisioning')).toBe('Its disks are being made.');
  });

  it('says that an upload is waited for', () => {
    expect(sentence('Provisioning', { disks: [{ name: 'root', dataVolume: { phase: 'UploadReady' } }] })).toBe('Its disk root waits for its upload.');
  });

  it('names the disk that does not exist', () => {
    expect(told('ErrorPvcNotFound', { disks: [{ name: 'data', claim: 'missing' }] })).toEqual({
      tone: 'bad',
      sentence: 'Its disk “data” does not exist.',
      next: 'Create a disk of that name, or detach it from the machine.',
    });
  });

  it('says why the storage is not provided, from the claim’s events', () => {
    const facts: Facts = {
      disks: [{ name: 'data', claim: { spec: { storageClassName: 'fast' }, status: { phase: 'Pending' } } }],
      events: [event('ProvisioningFailed', 'storageclass.storage.k8s.io "fast" not found', 'data')],
    };
    expect(told('WaitingForVolumeBinding', facts)).toEqual({
      tone: 'bad',
      sentence: 'Its disk data cannot be provided: storageclass.storage.k8s.io "fast" not found.',
      next: 'Choose a storage class that the cluster has, or make one the default.',
    });
  });

  it('takes waiting for the first use as what it is', () => {
    expect(told('WaitingForVolumeBinding', { disks: [{ name: 'data', claim: { spec: { storageClassName: 'late' }, status: { phase: 'Pending' } } }] })).toMatchObject({
      tone: 'info',
      sentence: 'Its disk data waits for its storage.',
    });
    expect(sentence('WaitingForVolumeBinding', { disks: [{ name: 'data', claim: { status: { phase: 'Pending' } } }] })).toMatch(/no storage class/);
  });
});

describe('a machine whose image cannot be fetched', () => {
  it.each(['ErrImagePull', 'ImagePullBackOff'] as const)('%s names the image and the reason', (status) => {
    const conditions = [condition('Synchronized', 'False', 'ErrImagePull', 'failed to pull "quay.io/nobody/nothing:1": not found')];
    expect(sentence(status, { containerDisks: ['quay.io/nobody/nothing:1'], instance: { phase: 'Scheduling', conditions } })).toBe(
      'The container image quay.io/nobody/nothing:1 cannot be fetched: failed to pull "quay.io/nobody/nothing:1": not found.',
    );
  });
});

describe('a machine that is paused', () => {
  it('by somebody', () => expect(told('Paused', { instance: { phase: 'Running', conditions: [condition('Paused', 'True', 'PausedByUser', 'VMI was paused by user')] } })).toMatchObject({ tone: 'info', sentence: 'It was paused.' }));
  it('from its start', () => expect(sentence('Paused', { instance: { startStrategy: 'Paused', phase: 'Running', conditions: [condition('Paused', 'True', 'PausedByUser')] } })).toBe('It was started paused.'));
  it('by an error of its storage', () => {
    const on = (message: string): Explanation | undefined => told('Paused', { instance: { phase: 'Running', conditions: [condition('Paused', 'True', 'PausedIOError', message)] } });
    expect(on('VMI was paused, low-level IO error detected')).toMatchObject({ tone: 'bad', sentence: 'A disk could not be written, so it was paused to lose nothing.' });
    expect(on('The host’s disk is full.')?.sentence).toBe('The host’s disk is full.');
  });
});

describe('a machine whose guest failed', () => {
  it('says that the guest crashed', () => {
    const events = [event('Started', 'started', 'loft', 1, 'Normal'), event('Stopped', 'The VirtualMachineInstance crashed.', 'loft', 2)];
    expect(told('Stopped', { strategy: 'Manual', instance: { phase: 'Failed' }, events })).toEqual({
      tone: 'bad',
      sentence: 'The guest crashed.',
      next: 'Start it again and watch its console or its serial line.',
    });
  });

  it('says how it ended where that is known', () => {
    expect(sentence('Stopped', { strategy: 'Manual', instance: { phase: 'Failed', reason: 'QEMU was ended by a signal.' } })).toBe('The guest ended with a failure: QEMU was ended by a signal.');
  });

  it('keeps older events out of it', () => {
    const events = [event('Stopped', 'Long ago', 'loft', 1), event('Started', 'started', 'loft', 2, 'Normal')];
    expect(sentence('Stopped', { instance: { phase: 'Failed' }, events })).toBe('The guest crashed.');
  });

  it('says how often, why, and when it is tried again', () => {
    expect(
      told('CrashLoopBackOff', {
        machine: [condition('Failure', 'True', 'FailedStart', 'The kernel panicked.')],
        status: { startFailure: { consecutiveFailCount: 4, retryAfterTimestamp: '2026-03-01T10:05:00Z' } },
      }),
    ).toMatchObject({ tone: 'bad', sentence: 'It failed 4 times in a row. The kernel panicked.', retryAt: Date.parse('2026-03-01T10:05:00Z') });
    expect(sentence('CrashLoopBackOff')).toBe('It failed soon after its start.');
  });
});

describe('a machine between states', () => {
  it.each<[string, PrintableStatus, Facts, string]>([
    ['no instance yet', 'Starting', {}, 'It starts as soon as it can.'],
    ['pending', 'Starting', { instance: { phase: 'Pending' } }, 'It waits for what it needs to start.'],
    ['scheduling', 'Starting', { instance: { phase: 'Scheduling', conditions: [condition('Ready', 'False', 'GuestNotRunning', 'virt-launcher pod has not yet been scheduled')] } }, 'It looks for a node to run on.'],
    ['scheduled', 'Starting', { instance: { phase: 'Scheduled', nodeName: 'node-2' } }, 'It is starting on node-2.'],
    ['a disk on another node', 'Starting', { instance: { phase: 'Scheduling' }, events: [event('FailedAttachVolume', 'Multi-Attach error for volume "pvc-1"', 'virt-launcher-loft-abcde')] }, 'A disk cannot be attached to its node: Multi-Attach error for volume "pvc-1".'],
    ['quota', 'Starting', { machine: [condition('Failure', 'True', 'FailedCreate', 'exceeded quota: small, requested: memory=4Gi')] }, 'Exceeded quota: small, requested: memory=4Gi.'],
    ['shutting down', 'Stopping', { instance: { phase: 'Running' } }, 'It is shutting down.'],
    ['being deleted', 'Stopped', { metadata: { deletionTimestamp: '2026-03-01T10:00:00Z', finalizers: ['kubevirt.io/virtualMachineControllerFinalize'] } }, 'It is being deleted.'],
    ['being restored', 'Stopped', { strategy: 'Halted', status: { printableStatus: 'Stopped', restoreInProgress: 'monday' } }, 'It is being restored (monday).'],
    ['another cluster', 'WaitingForReceiver', {}, 'It waits to be sent over from another cluster.'],
    ['a node that is gone', 'Unknown', { instance: { phase: 'Unknown', nodeName: 'node-2' } }, 'Its node node-2 does not answer, so nobody knows how it stands.'],
    ['shut down from within', 'Stopped', { strategy: 'RerunOnFailure', instance: { phase: 'Succeeded' } }, 'The guest shut itself down, and its run strategy (RerunOnFailure) leaves it off.'],
    ['a status of a later KubeVirt', 'Teleporting' as PrintableStatus, { machine: [condition('Failure', 'True', 'Odd', 'the beam was too weak')] }, 'The beam was too weak.'],
  ])('%s', (_, status, facts, words) => expect(sentence(status, facts)).toBe(words));

  it('names what holds up its deletion', () => {
    expect(told('Terminating', { metadata: { deletionTimestamp: '2026-03-01T10:00:00Z', finalizers: ['harvesterhci.io/VMController.CleanupPVC'] } })?.next).toBe(
      'Its deletion waits for: harvesterhci.io/VMController.CleanupPVC.',
    );
  });
});

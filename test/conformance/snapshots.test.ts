/** Snapshots of a real guest's disks, taken while it runs and while it is off, and machines made of them. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { VirtualMachine } from '../../shared/kube/kubevirt.ts';
import type { VirtualMachineRestore, VirtualMachineSnapshot, VolumeSnapshot } from '../../shared/kube/snapshot.ts';
import { startEngine, type RigEngine } from '../rig/engine.ts';
import { openGuestShell, type GuestShell } from '../rig/guest-shell.ts';
import { rigImage } from '../rig/images/rig-image.ts';
import { until } from '../rig/until.ts';
import { uploadImage } from '../rig/upload.ts';

let engine: RigEngine;

const apply = (object: object): string => engine.kubectl(['apply', '-f', '-'], stringify(object));
const get = <T>(kind: string, name: string): T => JSON.parse(engine.kubectl(['get', kind, name, '-o', 'json'])) as T;
const snapshot = (name: string, machine: string, spec: object = {}): object => ({
  apiVersion: 'snapshot.kubevirt.io/v1beta1',
  kind: 'VirtualMachineSnapshot',
  metadata: { name },
  spec: { source: { apiGroup: 'kubevirt.io', kind: 'VirtualMachine', name: machine }, ...spec },
});
const restore = (name: string, machine: string, from: string, spec: object = {}): object => ({
  apiVersion: 'snapshot.kubevirt.io/v1beta1',
  kind: 'VirtualMachineRestore',
  metadata: { name },
  spec: { target: { apiGroup: 'kubevirt.io', kind: 'VirtualMachine', name: machine }, virtualMachineSnapshotName: from, ...spec },
});
const takes = (name: string, machine: string, spec?: object): VirtualMachineSnapshot => {
  apply(snapshot(name, machine, spec));
  engine.kubectl(['wait', '--for=condition=Ready', `vmsnapshot/${name}`, '--timeout=30s']);
  return get('vmsnapshot', name);
};
const restores = (name: string, machine: string, from: string, spec?: object): VirtualMachineRestore => {
  apply(restore(name, machine, from, spec));
  engine.kubectl(['wait', '--for=condition=Ready', `vmrestore/${name}`, '--timeout=30s']);
  return get('vmrestore', name);
};
const files = (): string[] => readdirSync(join(engine.dataDir, 'disks', 'default')).sort();
const start = async (name: string): Promise<GuestShell> => {
  engine.kubectl(['patch', 'vm', name, '--type=merge', '-p', '{"spec":{"runStrategy":"Always"}}']);
  engine.kubectl(['wait', '--for=condition=Ready', `vm/${name}`, '--timeout=60s']);
  return openGuestShell(engine, name);
};
const stop = async (name: string): Promise<void> => {
  engine.kubectl(['patch', 'vm', name, '--type=merge', '-p', '{"spec":{"runStrategy":"Halted"}}']);
  await until(`${name} to stop`, () => engine.kubectl(['get', 'vmi', name, '--ignore-not-found']) === '');
};
const machine = (name: string, root: string): VirtualMachine => ({
  apiVersion: 'kubevirt.io/v1',
  kind: 'VirtualMachine',
  metadata: { name },
  spec: {
    runStrategy: 'Halted',
    dataVolumeTemplates: [{ metadata: { name: `${name}-data` }, spec: { source: { blank: {} }, storage: { resources: { requests: { storage: '32Mi' } } } } }],
    template: {
      spec: {
        terminationGracePeriodSeconds: 0,
        domain: {
          memory: { guest: '256Mi' },
          devices: { disks: [{ name: 'root', disk: { bus: 'virtio' } }, { name: 'data', disk: { bus: 'virtio' } }] },
        },
        volumes: [{ name: 'root', dataVolume: { name: root } }, { name: 'data', dataVolume: { name: `${name}-data` } }],
      },
    },
  },
});

beforeAll(async () => {
  engine = await startEngine();
  await uploadImage(engine, 'root', rigImage('shell-disk'), '64Mi');
  apply(machine('guest', 'root'));
});

afterAll(() => engine.destroy());

describe('a machine', () => {
  it('is brought back to what it was in a snapshot that was taken while it ran, with all its disks', async () => {
    let shell = await start('guest');
    await shell.run('echo before >/data/file && echo both >/dev/vdb && sync');
    const { status } = takes('running', 'guest');
    expect(status).toMatchObject({
      phase: 'Succeeded',
      readyToUse: true,
      indications: ['NoGuestAgent', 'Online'],
      snapshotVolumes: { includedVolumes: ['root', 'data'] },
    });
    await shell.run('rm /data/file && echo gone >/dev/vdb && sync');
    // A second one, over the first.
    takes('later', 'guest');
    await shell.run('echo after >/data/other && sync');
    shell.close();

    apply(restore('early', 'guest', 'running', { targetReadinessPolicy: 'FailImmediate' }));
    await until('the restore into a running machine to fail', () =>
      get<VirtualMachineRestore>('vmrestore', 'early').status?.conditions?.some(({ type, status: value }) => type === 'Failure' && value === 'True'),
    );
    await stop('guest');

    const back = restores('back', 'guest', 'running').status;
    expect(back).toMatchObject({ complete: true, deletedDataVolumes: ['guest-data'] });
    const vm = get<VirtualMachine>('vm', 'guest');
    expect(vm.status?.restoreInProgress).toBeUndefined();
    expect(vm.spec.template.spec.volumes).toEqual([
      { name: 'root', persistentVolumeClaim: { claimName: back?.restores?.[0]?.persistentVolumeClaim } },
      { name: 'data', dataVolume: { name: back?.restores?.[1]?.dataVolumeName } },
    ]);
    shell = await start('guest');
    expect(await shell.run('cat /data/file')).toBe('before');
    expect(await shell.run('head -c 4 /dev/vdb')).toBe('both');
    expect(await shell.run('ls /data')).not.toContain('other');
    shell.close();
    await stop('guest');
  });

  it('that never comes of a restore leaves no disks when that is given up', async () => {
    const there = files();
    const made = (): string[] => engine.kubectl(['get', 'pvc', '-o', 'name']).split('\n').filter((name) => name.includes(`restore-${uid}`));
    apply(restore('odd', 'never', 'later', { patches: ['{"op": "test", "path": "/spec/runStrategy", "value": "None"}'] }));
    const { uid = '' } = get<VirtualMachineRestore>('vmrestore', 'odd').metadata;
    await until('its disks', () => made().length === 2);
    engine.kubectl(['delete', 'vmrestore', 'odd', '--timeout=30s']);
    await until('them to be gone', () => made().length === 0 && files().join() === there.join());
  });

  it('is made anew from a snapshot, under another name, and lives when all else is deleted', async () => {
    restores('twin', 'twin', 'later', { patches: ['{"op": "add", "path": "/metadata/labels", "value": {"is": "twin"}}'] });
    const twin = get<VirtualMachine>('vm', 'twin');
    expect(twin.metadata.labels).toEqual({ is: 'twin' });
    expect(twin.spec.runStrategy).toBe('Halted');
    engine.kubectl(['delete', 'vm/guest', 'vmsnapshot/running', 'vmsnapshot/later', 'dv/root', '--timeout=30s']);
    await until('the snapshots of the disks to go', () => engine.kubectl(['get', 'volumesnapshots']) === '');

    const shell = await start('twin');
    expect(await shell.run('ls /data')).not.toContain('file');
    expect(await shell.run('head -c 4 /dev/vdb')).toBe('gone');
    shell.close();
    engine.kubectl(['delete', 'vm/twin', '--timeout=30s']);
    await until('every file to go', () => engine.kubectl(['get', 'pvc,dv']) === '' && files().length === 0);
  });
});

describe('a snapshot', () => {
  it('of a machine that is off needs no guest, and is refused where it cannot be', async () => {
    apply({ ...machine('resting', 'resting-data'), spec: { ...machine('resting', 'resting-data').spec, template: { spec: { domain: { memory: { guest: '64Mi' }, devices: { disks: [{ name: 'data', disk: { bus: 'virtio' } }] } }, volumes: [{ name: 'data', dataVolume: { name: 'resting-data' } }] } } } });
    await until('the disk', () => engine.kubectl(['get', 'pvc', 'resting-data', '--ignore-not-found']).includes('Bound'));
    const { status } = takes('still', 'resting');
    expect(status?.indications).toBeUndefined();
    expect(get<VirtualMachine>('vm', 'resting').status?.volumeSnapshotStatuses).toEqual([{ name: 'data', enabled: true }]);
    const single = stringify({
      apiVersion: 'snapshot.storage.k8s.io/v1',
      kind: 'VolumeSnapshot',
      metadata: { name: 'single', annotations: { 'hayloft.io/disk-layer': 'stolen.qcow2' } },
      spec: { source: { persistentVolumeClaimName: 'resting-data' } },
    });
    engine.kubectl(['apply', '-f', '-'], single);
    await until('the disk’s snapshot', () => get<VolumeSnapshot>('volumesnapshot', 'single').status?.readyToUse === true);
    expect(files().length).toBe(3);

    expect(() => apply({ ...snapshot('bad', 'resting'), spec: { source: { apiGroup: 'kubevirt.io', kind: 'Pod', name: 'x' } } })).toThrow('spec.source.kind');
    expect(() => apply(snapshot('bad', 'resting', { failureDeadline: 'soon' }))).toThrow('spec.failureDeadline');
    apply(snapshot('late', 'nobody', { failureDeadline: '1s' }));
    await until('the deadline to pass', () => get<VirtualMachineSnapshot>('vmsnapshot', 'late').status?.phase === 'Failed');

    engine.kubectl(['delete', 'volumesnapshot/single', 'vmsnapshot/still', 'vmsnapshot/late', 'vm/resting', '--timeout=30s']);
    await until('every file to go', () => engine.kubectl(['get', 'pvc,dv,volumesnapshots']) === '' && files().length === 0);
  });
});

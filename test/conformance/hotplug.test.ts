/** Disks that come and go while a machine runs, seen from inside a real guest. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { VirtualMachine, VirtualMachineInstance, VolumeStatus } from '../../shared/kube/kubevirt.ts';
import { startEngine, type RigEngine } from '../rig/engine.ts';
import { openGuestShell, type GuestShell } from '../rig/guest-shell.ts';
import { rigImage } from '../rig/images/rig-image.ts';
import { until } from '../rig/until.ts';
import { uploadImage } from '../rig/upload.ts';
import { machineWith, rootDisk } from './samples.ts';

const actions = '/apis/subresources.kubevirt.io/v1/namespaces/default';
const machinePath = '/apis/kubevirt.io/v1/namespaces/default/virtualmachines/guest';
let engine: RigEngine;
let shell: GuestShell;

const act = (kind: string, name: string, action: string, body?: unknown): ReturnType<RigEngine['api']> =>
  engine.api('PUT', `${actions}/${kind}/${name}/${action}`, body);
/** Between two lives there is none, and then a Status stands in its place. */
const instance = async (name: string): Promise<Omit<VirtualMachineInstance, 'metadata'> & { metadata?: VirtualMachineInstance['metadata'] }> =>
  (await engine.api('GET', `/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances/${name}`)).json();
const machine = async (): Promise<VirtualMachine> => (await engine.api('GET', machinePath)).json();
const statusOf = async (volume: string, name = 'guest'): Promise<VolumeStatus | undefined> =>
  (await instance(name)).status?.volumeStatus?.find((status) => status.name === volume);
const isReady = (volume: string, name = 'guest'): Promise<unknown> =>
  until(`${volume} to be plugged in`, async () => (await statusOf(volume, name))?.phase === 'Ready');
const isGone = (volume: string, name = 'guest'): Promise<unknown> =>
  until(`${volume} to be taken out`, async () => (await statusOf(volume, name)) === undefined);
const sizes = (device: string): Promise<string> => shell.run(`cat /sys/block/${device}/size`);
const appears = (device: string): Promise<unknown> =>
  until(`/dev/${device} in the guest`, async () => (await shell.run('ls /sys/block')).split(/\s+/).includes(device));
const disappears = (device: string): Promise<unknown> =>
  until(`/dev/${device} to go in the guest`, async () => !(await shell.run('ls /sys/block')).split(/\s+/).includes(device));
const claim = (name: string, storage: string): string =>
  stringify({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } },
  });
const claimSource = (claimName: string): object => ({ persistentVolumeClaim: { claimName } });

beforeAll(async () => {
  engine = await startEngine();
  await uploadImage(engine, 'root', rigImage('shell-disk'), '64Mi');
  for (const [name, size] of [['one', '32Mi'], ['two', '48Mi'], ['three', '16Mi']] as const) engine.kubectl(['apply', '-f', '-'], claim(name, size));
  const root = rootDisk();
  const guest = machineWith('guest', { disks: [root.disk, { name: 'cd', cdrom: { bus: 'scsi' } }], volumes: [root.volume] });
  engine.kubectl(['apply', '-f', '-'], stringify(guest));
  engine.kubectl(['wait', '--for=condition=Ready', 'vm/guest', '--timeout=30s']);
  shell = await openGuestShell(engine, 'guest');
});

afterAll(async () => {
  await engine.destroy();
});

describe('addvolume and removevolume', () => {
  it('plug a disk into the running guest, on SCSI unless told otherwise, and keep it in the machine', async () => {
    const answer = await act('virtualmachines', 'guest', 'addvolume', { name: 'one', disk: {}, volumeSource: claimSource('one') });
    expect([answer.status, answer.text]).toEqual([202, '']);
    await isReady('one');
    expect(await statusOf('one')).toMatchObject({
      // The CD drive is sda to whoever counts as libvirt does.
      target: 'sdb',
      hotplugVolume: {},
      persistentVolumeClaimInfo: { claimName: 'one', capacity: { storage: '32Mi' }, accessModes: ['ReadWriteOnce'] },
    });
    await appears('sda');
    expect(await sizes('sda')).toBe(String((32 * 2 ** 20) / 512));
    await shell.run('echo kept | dd of=/dev/sda conv=sync 2>/dev/null; sync');
    const { spec, status } = await machine();
    expect(spec.template.spec.volumes).toContainEqual({ name: 'one', persistentVolumeClaim: { claimName: 'one', hotpluggable: true } });
    expect(status?.conditions?.map(({ type }) => type)).not.toContain('RestartRequired');
  });

  it('plug a virtio disk into a free port, and the guest gives it back when asked', async () => {
    await act('virtualmachines', 'guest', 'addvolume', { name: 'two', disk: { disk: { bus: 'virtio' } }, volumeSource: claimSource('two') });
    await isReady('two');
    await appears('vdb');
    expect(await sizes('vdb')).toBe(String((48 * 2 ** 20) / 512));
    expect((await act('virtualmachines', 'guest', 'removevolume', { name: 'two' })).status).toBe(202);
    await isGone('two');
    await disappears('vdb');
    engine.kubectl(['delete', 'pvc', 'two', '--timeout=20s']);
  });

  it('hold a claim for as long as the guest has it', async () => {
    engine.kubectl(['delete', 'pvc', 'one', '--wait=false']);
    expect(engine.kubectl(['get', 'pvc', 'one', '-o', 'jsonpath={.metadata.deletionTimestamp}'])).not.toBe('');
    expect((await shell.run('head -c 4 /dev/sda'))).toBe('kept');
    await act('virtualmachines', 'guest', 'removevolume', { name: 'one' });
    await disappears('sda');
    await until('the claim to go', () => engine.kubectl(['get', 'pvc', 'one', '--ignore-not-found']) === '');
  });

  it('are found as they were by the next engine, and nothing is plugged in twice', async () => {
    await act('virtualmachines', 'guest', 'addvolume', { name: 'three', disk: { disk: {} }, volumeSource: claimSource('three') });
    await isReady('three');
    await appears('sda');
    shell.close();
    await engine.program.stop('SIGKILL');
    engine = await startEngine({ dataDir: engine.dataDir });
    shell = await openGuestShell(engine, 'guest');
    await isReady('three');
    expect((await shell.run('ls /sys/block')).match(/sd[a-z]/g)).toEqual(['sda']);
    await act('virtualmachines', 'guest', 'removevolume', { name: 'three' });
    await disappears('sda');
    await isGone('three');
  });

  it('follow the machine’s spec, a disk whose claim comes later, and a disc put into the drive', async () => {
    const edit = async (change: (spec: VirtualMachine['spec']['template']['spec']) => void): Promise<void> => {
      const vm = await machine();
      change(vm.spec.template.spec);
      expect((await engine.api('PUT', machinePath, vm)).status).toBe(200);
    };
    await edit(({ domain, volumes }) => {
      domain.devices.disks?.push({ name: 'late', disk: { bus: 'scsi' }, serial: 'LATE-1' });
      volumes?.push({ name: 'late', persistentVolumeClaim: { claimName: 'late', hotpluggable: true } });
      volumes?.push({ name: 'cd', persistentVolumeClaim: { claimName: 'three', hotpluggable: true } });
    });
    await until('the claim to be missed', async () => (await statusOf('late'))?.phase === 'Pending');
    expect((await statusOf('late'))?.message).toBe('PVC late not found');
    await isReady('cd');
    engine.kubectl(['apply', '-f', '-'], claim('late', '24Mi'));
    await isReady('late');
    await appears('sda');
    await edit((spec) => {
      spec.domain.devices.disks = (spec.domain.devices.disks ?? []).filter(({ name }) => name !== 'late');
      spec.volumes = (spec.volumes ?? []).filter(({ name }) => name === 'root');
    });
    await isGone('late');
    await isGone('cd');
    await disappears('sda');
    expect((await instance('guest')).spec.domain.devices.disks?.map(({ name }) => name)).toEqual(['root', 'cd']);
  });

  it('are the media of a drive, which are changed and taken out', async () => {
    const medium = async (claimName?: string): Promise<void> => {
      const vm = await machine();
      const { spec } = vm.spec.template;
      spec.volumes = (spec.volumes ?? []).filter(({ name }) => name !== 'cd');
      if (claimName !== undefined) spec.volumes.push({ name: 'cd', persistentVolumeClaim: { claimName, hotpluggable: true } });
      expect((await engine.api('PUT', machinePath, vm)).status).toBe(200);
    };
    const holds = (bytes: number): Promise<unknown> =>
      until(`${bytes} bytes on the disc`, async () => (await shell.run('dd if=/dev/sr0 bs=1M 2>/dev/null | wc -c')) === String(bytes));
    await medium('three');
    await holds(16 * 2 ** 20);
    await medium('late');
    await holds(24 * 2 ** 20);
    expect((await statusOf('cd'))?.persistentVolumeClaimInfo?.claimName).toBe('late');
    await medium();
    await holds(0);
    await isGone('cd');
    expect((await machine()).status?.conditions?.map(({ type }) => type)).not.toContain('RestartRequired');
  });

  it('are not to be written where the claim is to be read only', async () => {
    const volumeSource = { persistentVolumeClaim: { claimName: 'three', readOnly: true } };
    await act('virtualmachines', 'guest', 'addvolume', { name: 'three', disk: {}, volumeSource });
    await isReady('three');
    await appears('sda');
    expect(await shell.run('cat /sys/block/sda/ro')).toBe('1');
    await act('virtualmachines', 'guest', 'removevolume', { name: 'three' });
    await isGone('three');
    await disappears('sda');
  });

  it('come back with the machine after a restart', async () => {
    await act('virtualmachines', 'guest', 'addvolume', { name: 'three', disk: { disk: { bus: 'virtio' } }, volumeSource: claimSource('three') });
    await isReady('three');
    const before = (await instance('guest')).metadata?.uid;
    shell.close();
    await act('virtualmachines', 'guest', 'restart', { gracePeriodSeconds: 0 });
    await until('another instance', async () => {
      const { metadata, status } = await instance('guest');
      return metadata?.uid !== before && status?.phase === 'Running';
    });
    await isReady('three');
    shell = await openGuestShell(engine, 'guest');
    await appears('vdb');
    await act('virtualmachines', 'guest', 'removevolume', { name: 'three' });
    await disappears('vdb');
    await isGone('three');
  });
});

describe('what cannot be', () => {
  const disk = { disk: { bus: 'scsi' } };
  it.each([
    ['without a name', 'addvolume', { disk, volumeSource: claimSource('three') }, 400, 'requires name to be set'],
    ['without a disk', 'addvolume', { name: 'x', volumeSource: claimSource('three') }, 400, 'requires disk'],
    ['without a source', 'addvolume', { name: 'x', disk }, 400, 'requires VolumeSource'],
    ['with an unknown field', 'addvolume', { name: 'x', disk, volumeSource: claimSource('three'), wish: 1 }, 400, 'unknown field'],
    ['of a name that is taken', 'addvolume', { name: 'root', disk, volumeSource: claimSource('three') }, 409, 'already exists'],
    ['of a claim that is taken', 'addvolume', { name: 'x', disk, volumeSource: { dataVolume: { name: 'root' } } }, 409, 'Unable to add volume source [root]'],
    ['on a bus without hotplug', 'addvolume', { name: 'x', disk: { disk: { bus: 'sata' } }, volumeSource: claimSource('three') }, 422, '[sata] is not permitted'],
    ['of a CD drive', 'addvolume', { name: 'x', disk: { cdrom: {} }, volumeSource: claimSource('three') }, 422, 'requires diskDevice'],
    ['removed, of a name nobody has', 'removevolume', { name: 'x' }, 409, 'does not exist'],
    ['removed, that is fixed', 'removevolume', { name: 'root' }, 409, 'is not hotpluggable'],
    ['removed, without a body', 'removevolume', undefined, 400, 'no body'],
  ])('a volume %s', async (_what, action, body, code, words) => {
    const answer = await act('virtualmachines', 'guest', action, body);
    expect([answer.status, answer.text]).toEqual([code, expect.stringContaining(words)]);
  });

  it('is told of a machine that is not there, of an instance that has a machine, and changes nothing in a dry run', async () => {
    const body = { name: 'x', disk, volumeSource: claimSource('three') };
    expect((await act('virtualmachines', 'nobody', 'addvolume', body)).status).toBe(404);
    expect((await act('virtualmachineinstances', 'guest', 'addvolume', body)).status).toBe(400);
    expect((await act('virtualmachines', 'guest', 'addvolume', { ...body, dryRun: ['All'] })).status).toBe(202);
    expect((await machine()).spec.template.spec.volumes).toHaveLength(1);
  });

  it('is another machine’s disk, and says so until it is free', async () => {
    engine.kubectl(['apply', '-f', '-'], stringify({
      apiVersion: 'kubevirt.io/v1',
      kind: 'VirtualMachineInstance',
      metadata: { name: 'lone' },
      spec: { terminationGracePeriodSeconds: 0, domain: { memory: { guest: '64Mi' }, devices: {} } },
    }));
    await until('the instance to run', async () => (await instance('lone')).status?.phase === 'Running');
    const body = { name: 'x', disk, volumeSource: claimSource('three') };
    expect((await act('virtualmachineinstances', 'lone', 'addvolume', body)).status).toBe(202);
    await isReady('x', 'lone');
    await act('virtualmachines', 'guest', 'addvolume', body);
    await until('the refusal', async () => /in use by another machine/.test((await statusOf('x'))?.message ?? ''));
    expect((await act('virtualmachineinstances', 'lone', 'removevolume', { name: 'x' })).status).toBe(202);
    await isReady('x');
    engine.kubectl(['delete', 'vmi', 'lone', '--timeout=30s']);
  });
});

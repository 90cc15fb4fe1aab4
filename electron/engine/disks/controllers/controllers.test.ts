import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { DataVolume } from '#shared/kube/cdi.ts';
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import { until } from '../../../../test/rig/until.ts';
import { blank, claim, startDisks, uploadOf, type DisksRig } from '../disks-rig.ts';
import { virtualMachineInstances } from '../../machines/definitions/virtual-machine-instance.ts';
import type { DiskFile } from '../types.ts';

const MiB = 1024 * 1024;

function ready(rig: DisksRig, name: string): DiskFile {
  const found = rig.module.catalog.find('default', name);
  if (found.state !== 'ready') throw new Error(`${name} is ${JSON.stringify(found)}`);
  return found.file;
}

const imageInfo = (path: string): string => execFileSync('qemu-img', ['info', '--output=json', path], { encoding: 'utf8' });

function startMachine(rig: DisksRig, claimName: string, how: object = { disk: { bus: 'virtio' } }): void {
  rig.resources.create(virtualMachineInstances, {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachineInstance',
    metadata: { name: 'machine', namespace: 'default' },
    spec: {
      domain: { devices: { disks: [{ name: 'root', ...how }] } },
      volumes: [{ name: 'root', persistentVolumeClaim: { claimName } }],
    },
  });
}
const stopMachine = (rig: DisksRig): boolean => rig.resources.delete(virtualMachineInstances, 'default', 'machine');
const bound = (object: PersistentVolumeClaim | undefined): boolean => object?.status?.phase === 'Bound';
const gone = (object: unknown): boolean => object === undefined;

describe('claims', () => {
  it('gives a claim of its own a blank disk, and takes it away with the claim', async () => {
    const rig = await startDisks();
    rig.resources.create(rig.of('persistentvolumeclaims'), claim('data', '32Mi'));
    const object = await rig.until<PersistentVolumeClaim>('persistentvolumeclaims', 'data', bound);
    expect(object).toMatchObject({
      spec: { storageClassName: 'hayloft-local', volumeName: `pvc-${object.metadata.uid ?? ''}` },
      status: { capacity: { storage: '32Mi' }, accessModes: ['ReadWriteOnce'] },
    });
    const file = ready(rig, 'data');
    expect(file).toMatchObject({ format: 'qcow2', virtualSizeBytes: 32 * MiB });
    expect(JSON.parse(imageInfo(file.path))).toMatchObject({ format: 'qcow2', 'virtual-size': 32 * MiB });
    rig.resources.delete(rig.of('persistentvolumeclaims'), 'default', 'data');
    await rig.until('persistentvolumeclaims', 'data', gone);
    expect(rig.fileNames()).toEqual([]);
  });

  it('keeps the disk of a deleted claim until no machine uses it', async () => {
    const rig = await startDisks();
    rig.resources.create(rig.of('persistentvolumeclaims'), claim('data', '32Mi'));
    await rig.until('persistentvolumeclaims', 'data', bound);
    const { path } = ready(rig, 'data');
    startMachine(rig, 'data');
    rig.resources.delete(rig.of('persistentvolumeclaims'), 'default', 'data');
    // Another claim's whole life passes by meanwhile.
    rig.resources.create(rig.of('persistentvolumeclaims'), claim('other', '1Mi'));
    await rig.until('persistentvolumeclaims', 'other', bound);
    expect(existsSync(path)).toBe(true);
    expect(rig.module.catalog.find('default', 'data')).toMatchObject({ state: 'pending', phase: 'Terminating' });
    stopMachine(rig);
    await rig.until('persistentvolumeclaims', 'data', gone);
    expect(existsSync(path)).toBe(false);
  });

  it('grows a disk, between two runs of its machine', async () => {
    const rig = await startDisks();
    const claims = rig.of<PersistentVolumeClaim>('persistentvolumeclaims');
    rig.resources.create(claims, claim('data', '32Mi'));
    await rig.until('persistentvolumeclaims', 'data', bound);
    startMachine(rig, 'data');
    rig.resources.change(claims, 'default', 'data', (draft) => {
      draft.spec.resources = { requests: { storage: '48Mi' } };
    });
    rig.resources.create(claims, claim('other', '1Mi'));
    await rig.until('persistentvolumeclaims', 'other', bound);
    expect(ready(rig, 'data').virtualSizeBytes).toBe(32 * MiB);
    stopMachine(rig);
    await rig.until<PersistentVolumeClaim>('persistentvolumeclaims', 'data', (object) => object?.status?.capacity?.storage === '48Mi');
    expect(ready(rig, 'data').virtualSizeBytes).toBe(48 * MiB);
    expect(() =>
      rig.resources.change(claims, 'default', 'data', (draft) => {
        draft.spec.resources = { requests: { storage: '1Mi' } };
      }),
    ).toThrow(/cannot be made smaller/);
  });

  it('puts disks where their storage class says', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hayloft-class-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const rig = await startDisks();
    rig.resources.create(rig.of('storageclasses'), {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: 'elsewhere' },
      provisioner: 'hayloft.io/local',
      parameters: { path: folder },
    } as never);
    const { spec, ...rest } = claim('data', '1Mi');
    rig.resources.create(rig.of('persistentvolumeclaims'), { ...rest, spec: { ...spec, storageClassName: 'elsewhere' } } as never);
    await rig.until('persistentvolumeclaims', 'data', bound);
    expect(ready(rig, 'data').path.startsWith(join(folder, 'default'))).toBe(true);
    rig.resources.delete(rig.of('storageclasses'), undefined, 'elsewhere');
    expect(ready(rig, 'data').path.startsWith(folder)).toBe(true);
  });
});

describe('the check of a disk', () => {
  const intact = (object: PersistentVolumeClaim | undefined): string | undefined =>
    object?.status?.conditions?.find(({ type }) => type === 'DiskIntact')?.reason;
  const ask = (rig: DisksRig, text: string): unknown =>
    rig.resources.change(rig.of<PersistentVolumeClaim>('persistentvolumeclaims'), 'default', 'data', ({ metadata }) => {
      metadata.annotations = { ...metadata.annotations, 'hayloft.io/check': text };
    });

  it('finds nothing in a whole one, and what is wrong in a damaged one', async () => {
    const rig = await startDisks();
    rig.resources.create(rig.of('persistentvolumeclaims'), claim('data', '8Mi'));
    await rig.until('persistentvolumeclaims', 'data', bound);
    ask(rig, 'first');
    await rig.until<PersistentVolumeClaim>('persistentvolumeclaims', 'data', (object) => intact(object) === 'Checked');
    const { path } = ready(rig, 'data');
    execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write 0 1M', path]);
    // The first entry of the first table of data: it points beyond the file's end.
    const file = openSync(path, 'r+');
    const header = Buffer.alloc(48);
    readSync(file, header, 0, 48, 0);
    const table = Buffer.alloc(8);
    readSync(file, table, 0, 8, Number(header.readBigUInt64BE(40)));
    const entry = Buffer.alloc(8);
    entry.writeBigUInt64BE((1n << 63n) | 0x7fff0000n);
    writeSync(file, entry, 0, 8, Number(table.readBigUInt64BE(0) & 0x00fffffffffffe00n));
    closeSync(file);
    ask(rig, 'second');
    const damaged = await rig.until<PersistentVolumeClaim>('persistentvolumeclaims', 'data', (object) => intact(object) === 'Damaged');
    expect(damaged.status?.phase).toBe('Bound');
    await until('it to be over', () => rig.module.catalog.find('default', 'data').state === 'ready');
    expect(rig.events).toContainEqual(expect.objectContaining({ type: 'Warning', reason: 'DiskDamaged' }));
  });

  it('is told with what the disk takes of the host', async () => {
    const rig = await startDisks();
    rig.resources.create(rig.of('persistentvolumeclaims'), claim('data', '8Mi'));
    const object = await rig.until<PersistentVolumeClaim>('persistentvolumeclaims', 'data', (found) => found?.metadata.annotations?.['hayloft.io/allocated'] !== undefined);
    expect(Number(object.metadata.annotations?.['hayloft.io/allocated'])).toBe(ready(rig, 'data').allocatedBytes);
  });
});

describe('a storage class on a disk of its own', () => {
  const isRoot = process.getuid?.() === 0;
  it.skipIf(!isRoot)('(needs root to mount) is waited for when it is not mounted, and nothing is written in its place', async () => {
    const content = mkdtempSync(join(tmpdir(), 'hayloft-disk-'));
    const point = mkdtempSync(join(tmpdir(), 'hayloft-point-'));
    const mount = (): unknown => execFileSync('mount', ['--bind', content, point]);
    const unmount = (): unknown => execFileSync('umount', ['-l', point]);
    mount();
    onTestFinished(() => {
      unmount();
      for (const folder of [content, point]) rmSync(folder, { recursive: true });
    });
    const rig = await startDisks();
    rig.resources.create(rig.of('storageclasses'), {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: 'second' },
      provisioner: 'hayloft.io/local',
      parameters: { path: point },
    } as never);
    const make = (name: string): void => {
      const { spec, ...rest } = claim(name, '1Mi');
      rig.resources.create(rig.of('persistentvolumeclaims'), { ...rest, spec: { ...spec, storageClassName: 'second' } } as never);
    };
    make('data');
    await rig.until('persistentvolumeclaims', 'data', bound);
    await until('its room to be told', () => Number(rig.resources.get(rig.of('storageclasses'), undefined, 'second')?.metadata.annotations?.['hayloft.io/disk-free']) > 0);

    unmount();
    await rig.restart();
    make('more');
    rig.volume('image', { source: { blank: {} }, storage: { storageClassName: 'second', resources: { requests: { storage: '1Mi' } } } });
    rig.resources.delete(rig.of('persistentvolumeclaims'), 'default', 'data');
    await until('the missing disk to be told', () => rig.events.filter(({ reason }) => reason === 'StorageUnavailable').length >= 3);
    const volume = await rig.until<DataVolume>('datavolumes', 'image', (object) => object?.status?.conditions?.some(({ reason }) => reason === 'StorageUnavailable') === true);
    expect(volume.status?.conditions?.find(({ type }) => type === 'Running')?.message).toContain('is its disk mounted?');
    expect(rig.module.catalog.find('default', 'data').state).toBe('pending');
    expect(rig.resources.get(rig.of<PersistentVolumeClaim>('persistentvolumeclaims'), 'default', 'more')?.status?.phase).toBe('Pending');
    expect(readdirSync(point)).toEqual([]);

    mount();
    await rig.restart();
    await rig.until('persistentvolumeclaims', 'more', bound);
    await rig.untilPhase('image', 'Succeeded');
    // What was deleted meanwhile goes now, file and all.
    await rig.until('persistentvolumeclaims', 'data', (object) => object === undefined);
    expect(readdirSync(join(point, 'default'))).toHaveLength(2);
  });

  it('whose folder is not there at all makes nobody write anywhere', async () => {
    const rig = await startDisks();
    const path = join(rig.dataDir, 'not', 'there');
    rig.resources.create(rig.of('storageclasses'), {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: 'nowhere' },
      provisioner: 'hayloft.io/local',
      parameters: { path },
    } as never);
    const { spec, ...rest } = claim('data', '1Mi');
    rig.resources.create(rig.of('persistentvolumeclaims'), { ...rest, spec: { ...spec, storageClassName: 'nowhere' } } as never);
    await until('it to be told', () => rig.events.some(({ about, reason }) => about === 'nowhere' && reason === 'FolderMissing'));
    expect(existsSync(path)).toBe(false);
    mkdirSync(path, { recursive: true });
    await rig.restart();
    await rig.until('persistentvolumeclaims', 'data', bound);
  });
});

describe('data volumes', () => {
  it('makes a blank disk, with a claim of its own that goes with it', async () => {
    const rig = await startDisks();
    rig.volume('root', blank('64Mi'), { labels: { 'hayloft.io/image': 'disk' }, annotations: { 'hayloft.io/display-name': 'Root' } });
    const volume = await rig.untilPhase('root', 'Succeeded');
    expect(volume.status).toMatchObject({ claimName: 'root', progress: '100.0%', restartCount: 0 });
    expect(Object.fromEntries((volume.status?.conditions ?? []).map(({ type, status }) => [type, status]))).toEqual({
      Bound: 'True',
      Ready: 'True',
      Running: 'False',
    });
    const object = await rig.until<PersistentVolumeClaim>('persistentvolumeclaims', 'root', bound);
    expect(object.metadata).toMatchObject({
      labels: { 'hayloft.io/image': 'disk' },
      annotations: { 'hayloft.io/display-name': 'Root' },
      ownerReferences: [{ kind: 'DataVolume', uid: volume.metadata.uid, controller: true }],
    });
    expect(ready(rig, 'root')).toMatchObject({ format: 'qcow2', virtualSizeBytes: 64 * MiB });
    expect(rig.events.map(({ reason }) => reason)).toEqual(expect.arrayContaining(['ImportScheduled', 'ImportSucceeded']));
    rig.resources.delete(rig.of('datavolumes'), 'default', 'root');
    await rig.until('persistentvolumeclaims', 'root', gone);
    expect(rig.fileNames()).toEqual([]);
  });

  it('clones a disk when nobody writes to it, larger if asked, never smaller', async () => {
    const rig = await startDisks();
    rig.volume('base', blank('32Mi'));
    await rig.untilPhase('base', 'Succeeded');
    execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write -P 0x5a 1M 64k', ready(rig, 'base').path], { stdio: 'pipe' });
    startMachine(rig, 'base');
    const clone = (storage?: string): DataVolume['spec'] => ({
      source: { pvc: { name: 'base' } },
      storage: storage === undefined ? {} : { resources: { requests: { storage } } },
    });
    rig.volume('copy', clone('48Mi'));
    const waiting = await rig.until<DataVolume>('datavolumes', 'copy', (volume) => volume?.status?.phase === 'CloneScheduled' && volume.status.conditions?.some(({ reason }) => reason === 'CloneSourceInUse') === true);
    expect(waiting.status?.conditions?.find(({ type }) => type === 'Running')?.message).toContain('"machine"');
    stopMachine(rig);
    await rig.untilPhase('copy', 'Succeeded');
    expect(ready(rig, 'copy').virtualSizeBytes).toBe(48 * MiB);
    execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'read -P 0x5a 1M 64k', ready(rig, 'copy').path], { stdio: 'pipe' });

    rig.volume('same', clone());
    await rig.untilPhase('same', 'Succeeded');
    expect(ready(rig, 'same').virtualSizeBytes).toBe(32 * MiB);
    rig.volume('small', clone('16Mi'));
    const small = await rig.untilPhase('small', 'Failed');
    expect(small.status?.conditions?.find(({ type }) => type === 'Running')?.message).toContain('larger than');
    expect(rig.fileNames().filter((name) => name.includes('partial'))).toEqual([]);
  });

  it('clones from a disk that is read only by machines, and waits for one that is not there yet', async () => {
    const rig = await startDisks();
    rig.volume('copy', { source: { pvc: { name: 'late' } }, storage: {} });
    await rig.untilPhase('copy', 'CloneScheduled');
    rig.resources.create(rig.of('persistentvolumeclaims'), claim('late', '8Mi'));
    startMachine(rig, 'late', { cdrom: { bus: 'sata' } });
    await rig.untilPhase('copy', 'Succeeded');
    expect(ready(rig, 'copy').virtualSizeBytes).toBe(8 * MiB);
  });

  it('says so when the file of a finished volume is missing, and does not make an empty one in its place', async () => {
    const rig = await startDisks();
    rig.volume('root', blank('8Mi'));
    await rig.untilPhase('root', 'Succeeded');
    rmSync(ready(rig, 'root').path);
    await rig.restart();
    const volume = await rig.untilPhase('root', 'Failed');
    expect(volume.status?.conditions?.find(({ type }) => type === 'Running')?.message).toContain('missing');
    expect(rig.fileNames()).toEqual([]);
  });

  it('begins again after a crash, and clears what it left half made', async () => {
    const rig = await startDisks();
    rig.volume('upload', uploadOf('8Mi'));
    await rig.untilPhase('upload', 'UploadReady');
    const object = await rig.until<PersistentVolumeClaim>('persistentvolumeclaims', 'upload', bound);
    const folder = join(rig.dataDir, 'disks', 'default');
    mkdirSync(folder, { mode: 0o700 });
    writeFileSync(join(folder, `${object.metadata.uid ?? ''}.new.partial`), 'half');
    writeFileSync(join(folder, 'someone.else'), 'kept');
    await rig.restart();
    expect(rig.fileNames()).toEqual([join('default', 'someone.else')]);
    expect((await rig.untilPhase('upload', 'UploadReady')).status?.restartCount).toBe(0);
  });
});

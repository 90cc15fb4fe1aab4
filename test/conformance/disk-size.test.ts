/** Disks that grow under a running guest, and a host that has no room left for them. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { startEngine, type RigEngine } from '../rig/engine.ts';
import { openGuestShell, type GuestShell } from '../rig/guest-shell.ts';
import { rigImage } from '../rig/images/rig-image.ts';
import { until } from '../rig/until.ts';
import { uploadImage } from '../rig/upload.ts';
import { machineWith, rootDisk } from './samples.ts';

let engine: RigEngine;
let shell: GuestShell;
/** A file system of its own that a guest can fill. */
const small = mkdtempSync(join(tmpdir(), 'hayloft-small-'));

const apply = (object: object): string => engine.kubectl(['apply', '-f', '-'], stringify(object));
const claim = (name: string, storage: string, storageClassName?: string): object => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } }, ...(storageClassName === undefined ? {} : { storageClassName }) },
});
const grow = (name: string, storage: string): string =>
  engine.kubectl(['patch', 'pvc', name, '-p', JSON.stringify({ spec: { resources: { requests: { storage } } } })]);
const path = (kind: string, name: string, query: string): string => engine.kubectl(['get', kind, name, '-o', `jsonpath=${query}`]);
const reaches = (kind: string, name: string, query: string, wanted: string): Promise<unknown> =>
  until(`${kind} ${name} to have ${wanted}`, () => path(kind, name, query) === wanted);
const sectors = (mebibytes: number): string => String((mebibytes * 2 ** 20) / 512);

beforeAll(async () => {
  mkdirSync(join(small, 'disks'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=160m', 'hayloft-small', join(small, 'disks')]);
  engine = await startEngine();
  apply({
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'small' },
    provisioner: 'hayloft.io/local',
    parameters: { path: join(small, 'disks') },
  });
  await uploadImage(engine, 'root', rigImage('shell-disk'), '64Mi');
  apply(claim('data', '64Mi'));
  apply(claim('filling', '300Mi', 'small'));
  const root = rootDisk();
  apply(
    machineWith('guest', {
      disks: [root.disk, { name: 'data' }, { name: 'filling' }],
      volumes: [root.volume, ...['data', 'filling'].map((name) => ({ name, persistentVolumeClaim: { claimName: name } }))],
    }),
  );
  engine.kubectl(['wait', '--for=condition=Ready', 'vm/guest', '--timeout=30s']);
  shell = await openGuestShell(engine, 'guest');
});

afterAll(async () => {
  await engine.destroy();
  execFileSync('umount', ['-l', join(small, 'disks')]);
  rmSync(small, { recursive: true });
});

describe('a claim that asks for more', () => {
  it('grows while its machine runs, and the guest sees it', async () => {
    expect(await shell.run('cat /sys/block/vdb/size')).toBe(sectors(64));
    grow('data', '96Mi');
    await reaches('pvc', 'data', '{.status.capacity.storage}', '96Mi');
    await until('the guest to see it', async () => (await shell.run('cat /sys/block/vdb/size')) === sectors(96));
    await reaches('vmi', 'guest', '{.status.volumeStatus[1].persistentVolumeClaimInfo.capacity.storage}', '96Mi');
    expect(path('pvc', 'data', '{.status.conditions}')).toBe('');
    expect(engine.kubectl(['describe', 'pvc', 'data'])).toContain('VolumeResizeSuccessful');
  });

  it('grows when no machine has it, and never shrinks', async () => {
    apply(claim('idle', '32Mi'));
    await reaches('pvc', 'idle', '{.status.phase}', 'Bound');
    grow('idle', '48Mi');
    await reaches('pvc', 'idle', '{.status.capacity.storage}', '48Mi');
    expect(() => grow('idle', '40Mi')).toThrow(/spec.resources.requests.storage/);
  });

  it('is refused where its class does not let disks grow', async () => {
    apply({ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: 'fixed' }, provisioner: 'hayloft.io/local', allowVolumeExpansion: false });
    apply(claim('fixed', '32Mi', 'fixed'));
    await reaches('pvc', 'fixed', '{.status.phase}', 'Bound');
    expect(() => grow('fixed', '48Mi')).toThrow(/does not allow/);
  });
});

describe('what a guest throws away', () => {
  it('is given back to the host when the guest trims', async () => {
    const uid = path('pvc', 'root', '{.metadata.uid}');
    const allocatedMiB = (): number => (statSync(join(engine.dataDir, 'disks', 'default', `${uid}.qcow2`)).blocks * 512) / 2 ** 20;
    const before = allocatedMiB();
    await shell.run('dd if=/dev/urandom of=/data/x bs=1M count=10 2>/dev/null && sync', 60_000);
    await until('the file to grow', () => allocatedMiB() > before + 9);
    await shell.run('rm /data/x && sync && fstrim /data', 60_000);
    await until('the file to become smaller', () => allocatedMiB() < before + 2);
  });
});

describe('a guest whose host has no room left', () => {
  it('is paused, says which disk it is, and goes on by itself when there is room', async () => {
    const ballast = join(small, 'disks', 'ballast');
    writeFileSync(ballast, Buffer.alloc(100 * 2 ** 20, 1));
    shell.type('dd if=/dev/urandom of=/dev/vdc bs=1M count=90 conv=fsync; echo WRIT""TEN');
    await until('the machine to be paused', () => path('vm', 'guest', '{.status.printableStatus}') === 'Paused');
    await reaches('vmi', 'guest', '{.status.conditions[?(@.type=="Paused")].reason}', 'PausedIOError');
    expect(path('vmi', 'guest', '{.status.conditions[?(@.type=="Paused")].message}')).toMatch(/volume "filling" .*goes on by itself/);
    expect(engine.kubectl(['describe', 'vmi', 'guest'])).toMatch(/Warning\s+PausedIOError/);
    expect(shell.screen()).not.toContain('WRITTEN');

    await engine.program.stop('SIGKILL');
    engine = await startEngine({ dataDir: engine.dataDir });
    expect(path('vm', 'guest', '{.status.printableStatus}')).toBe('Paused');
    shell.close();

    rmSync(ballast);
    await reaches('vm', 'guest', '{.status.printableStatus}', 'Running');
    shell = await openGuestShell(engine, 'guest');
    await until('the guest to have written all', async () => (await shell.run('pidof dd || true')) === '');
  });
});

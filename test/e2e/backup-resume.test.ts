/** Backups and restores that are interrupted, canceled or damaged, through the whole app. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, linkSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { Task } from '../../shared/contract/tasks.ts';
import { startApp, type RigApp } from '../rig/app.ts';
import { connectApp } from '../rig/app-channel.ts';
import type { EngineClient } from '../rig/engine-client.ts';
import { until } from '../rig/until.ts';

const mebibyte = 2 ** 20;
const diskBytes = 384 * mebibyte;
const ref = { clusterId: 'local', namespace: 'default', name: 'big' };
let home: string;
let app: RigApp;
let engine: EngineClient;
let channel: Awaited<ReturnType<typeof connectApp>>;
let digest: string;
const tasks = new Map<string, Task>();

async function connect(): Promise<void> {
  channel = await connectApp(app.url);
  const take = (items: readonly Task[]): void => items.forEach((task) => tasks.set(task.id, task));
  channel.client.subscribe('tasks', {}, { onSnapshot: take, onChanges: take, onError: () => undefined });
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}

const over = (taskId: string): Promise<Task> =>
  until('the task to end', () => {
    const task = tasks.get(taskId);
    return task?.state === 'going' ? undefined : task;
  }, 60_000);
const onCluster = (): string => engine.kubectl(['get', 'vmexport,vmsnapshot', '-o', 'name']);
const begin = (folder: string): Promise<{ taskId: string }> => channel.client.call('backups.begin', { ...ref, folder: join(home, folder), packing: 'none' });

/** A backup of a disk of random bytes, which is no image, as another engine would have made it. */
function writeBackup(folder: string, sha256: string): void {
  mkdirSync(folder, { recursive: true });
  const manifest = stringify({
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    metadata: { name: 'big' },
    spec: {
      runStrategy: 'Halted',
      template: { spec: { domain: { memory: { guest: '32Mi' }, devices: { disks: [{ name: 'big', disk: { bus: 'virtio' } }] } }, volumes: [{ name: 'big', dataVolume: { name: 'big-disk' } }] } },
    },
  });
  writeFileSync(join(folder, 'machine.yaml'), manifest);
  writeFileSync(join(folder, 'backup.json'), JSON.stringify({
    version: 1,
    machine: { name: 'big', namespace: 'default' },
    cluster: 'elsewhere',
    taken: '2026-01-31T12:00:00.000Z',
    running: false,
    manifestSha256: createHash('sha256').update(manifest).digest('hex'),
    disks: [{ name: 'big-disk', file: 'big.img', packing: 'none', sizeBytes: diskBytes, fileBytes: diskBytes, sha256 }],
  }));
}

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'hayloft-backup-'));
  execFileSync('sh', ['-c', 'head -c "$1" /dev/urandom >"$2"', 'sh', String(diskBytes), join(home, 'random.img')]);
  digest = await digestOf(join(home, 'random.img'));
  app = await startApp({ env: { HOME: home } });
  engine = await app.engine();
  await until('the engine', async () => (await engine.api('GET', '/readyz')).status === 200);
  await connect();
});

afterAll(async () => {
  channel.close();
  await app.destroy();
  rmSync(home, { recursive: true, force: true });
});

it('restores what is intact alone, and leaves no half machine', async () => {
  const folder = join(home, 'elsewhere');
  writeBackup(folder, '0'.repeat(64));
  linkSync(join(home, 'random.img'), join(folder, 'big.img'));
  expect(await channel.client.call('backups.check', { folder, file: 'big.img' })).toEqual({ state: 'damaged' });
  const spoiled = await channel.client.call('backups.restore', { ...ref, folder, start: false });
  expect(await over(spoiled.taskId)).toMatchObject({ state: 'failed', error: { code: 'truncated', message: expect.stringContaining('its checksum differs') as string } });
  expect(engine.kubectl(['get', 'vm,dv,pvc', '-o', 'name'])).toBe('');
  writeBackup(folder, digest);
  const { taskId } = await channel.client.call('backups.restore', { ...ref, folder, start: false });
  expect(await over(taskId)).toMatchObject({ state: 'done', step: 'big has its disks, and is off.' });
  await expect(channel.client.call('backups.restore', { ...ref, folder, start: false })).rejects.toMatchObject({ code: 'already-exists', field: 'name' });
});

it('goes on in the next run of the app, from what is certain to be there', async () => {
  const { taskId } = await begin('first');
  const partial = join(home, 'first.partial');
  const note = join(partial, 'progress.json');
  const exported = (): string => engine.kubectl(['get', 'vmexport', '-o', 'jsonpath={.items[*].metadata.uid}']);
  await until('some of it to be certain', () => existsSync(note) && readFileSync(note, 'utf8').includes('"stored"'));
  channel.close();
  await app.program.stop('SIGKILL');
  const uid = exported();
  expect(uid).not.toBe('');
  expect(readdirSync(home)).not.toContain('first');
  await expect(Promise.resolve(readdirSync(partial))).resolves.not.toContain('backup.json');
  const began = statSync(join(partial, 'big-disk.img')).birthtimeMs;

  app = await startApp({ dataDir: app.dataDir, env: { HOME: home } });
  await connect();
  expect(await over(taskId)).toMatchObject({ state: 'done' });
  const folder = join(home, 'first');
  expect(readdirSync(folder).sort()).toEqual(['SHA256SUMS', 'backup.json', 'big-disk.img', 'machine.yaml']);
  expect(await digestOf(join(folder, 'big-disk.img'))).toBe(digest);
  expect(statSync(join(folder, 'big-disk.img')).birthtimeMs).toBe(began);
  expect(existsSync(partial)).toBe(false);
  expect(onCluster()).toBe('');
}, 60_000);

it('is refused where it has no place, and leaves nothing when it is canceled', async () => {
  await expect(begin('first')).rejects.toMatchObject({ code: 'already-exists', field: 'folder' });
  await expect(channel.client.call('backups.begin', { ...ref, folder: 'somewhere', packing: 'none' })).rejects.toMatchObject({ code: 'bad-input', field: 'folder' });
  const { taskId } = await begin('deep/second');
  await until('some of it to be there', () => existsSync(join(home, 'deep', 'second.partial', 'big-disk.img')));
  await channel.client.call('tasks.cancel', { taskId });
  expect(await over(taskId)).toMatchObject({ state: 'cancelled' });
  expect(existsSync(join(home, 'deep'))).toBe(false);
  expect(onCluster()).toBe('');
});

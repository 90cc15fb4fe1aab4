/** An upload through the whole app whose engine, or whose app, is killed half-way: it goes on by itself, and the image is the file. */
import { createHash, randomFillSync } from 'node:crypto';
import { closeSync, createReadStream, globSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Upload } from '../../shared/contract/images.ts';
import { enginePid, startApp, type RigApp } from '../rig/app.ts';
import { connectApp } from '../rig/app-channel.ts';
import { until } from '../rig/until.ts';

const mebibyte = 2 ** 20;
const sizeMiB = 768;
const folder = mkdtempSync(join(tmpdir(), 'hayloft-resume-'));
const file = join(folder, 'disk.img');
let app: RigApp;

beforeAll(async () => {
  writeImage(file);
  app = await startApp();
});

afterAll(async () => {
  await app.destroy();
  rmSync(folder, { recursive: true });
});

it('goes on from the last byte that was stored', async () => {
  const { client, close } = await connectApp(app.url);
  const engineDir = join(app.dataDir, 'engine');
  await until('the engine', async () => (await (await app.engine()).api('GET', '/readyz')).status === 200);
  const seen: number[] = [];
  let upload: Upload | undefined;
  const take = (items: readonly Upload[]): void => {
    for (const item of items) {
      upload = item;
      seen.push(item.sentBytes);
    }
  };
  client.subscribe('uploads', {}, { onSnapshot: take, onChanges: take, onError: () => undefined });
  await client.call('images.uploadFile', { clusterId: 'local', namespace: 'default', fileName: 'disk.img', path: file });
  const killed = enginePid(engineDir) ?? 0;
  const stored = await until('a part of it to be stored', () => storedBytes(engineDir));
  process.kill(killed, 'SIGKILL');
  expect(stored).toBeLessThan(sizeMiB * mebibyte);
  await until('the upload to end', () => ['done', 'failed', 'cancelled'].includes(upload?.state ?? ''), 120_000);
  expect(upload).toMatchObject({ state: 'done', sentBytes: sizeMiB * mebibyte });
  expect(enginePid(engineDir)).not.toBe(killed);
  // It went on from a byte that was on the disk, not from the first.
  expect(seen.find((bytes) => bytes > 0)).toBeGreaterThanOrEqual(stored);
  const [image = ''] = globSync(join(engineDir, 'disks', 'default', '*.raw'));
  expect(await digest(image)).toBe(await digest(file));
  expect(globSync(join(engineDir, 'disks', 'default', '*'))).toHaveLength(1);
  close();
});

it('goes on in the next run of the app', async () => {
  const engineDir = join(app.dataDir, 'engine');
  const images = (): string[] => globSync(join(engineDir, 'disks', 'default', '*.raw'));
  const before = images();
  const { client, close } = await connectApp(app.url);
  await client.call('images.uploadFile', { clusterId: 'local', namespace: 'default', fileName: 'again.img', path: file });
  await until('a part of it to be stored', () => storedBytes(engineDir));
  await app.program.stop('SIGKILL');
  close();
  const second = await startApp({ dataDir: app.dataDir });
  const next = await connectApp(second.url);
  let upload: Upload | undefined;
  const take = (items: readonly Upload[]): void => {
    upload = items.at(-1) ?? upload;
  };
  next.client.subscribe('uploads', {}, { onSnapshot: take, onChanges: take, onError: () => undefined });
  await until('the upload to end', () => ['done', 'failed', 'cancelled'].includes(upload?.state ?? ''), 120_000);
  expect(upload).toMatchObject({ state: 'done', fileName: 'again.img' });
  const [image = ''] = images().filter((path) => !before.includes(path));
  expect(await digest(image)).toBe(await digest(file));
  next.close();
  await second.stop();
});

/** How much of the one transfer that is under way is certain to be on the disk. */
function storedBytes(engineDir: string): number | undefined {
  const [note] = globSync(join(engineDir, 'disks', 'default', '*note*')).filter((path) => !path.endsWith('.new'));
  return note === undefined ? undefined : (JSON.parse(readFileSync(note, 'utf8')) as { storedBytes: number }).storedBytes;
}

async function digest(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { end: sizeMiB * mebibyte - 1 }) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}

/** Random contents behind a boot sector's signature. */
function writeImage(path: string): void {
  const chunk = Buffer.alloc(mebibyte);
  const descriptor = openSync(path, 'w');
  for (let part = 0; part < sizeMiB; part++) {
    randomFillSync(chunk);
    if (part === 0) chunk.writeUInt16LE(0xaa55, 510);
    writeSync(descriptor, chunk);
  }
  closeSync(descriptor);
}

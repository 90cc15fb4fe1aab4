/** Packed images through the whole app: told by what is inside, unpacked by the engine, whatever the files are called. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Upload } from '../../shared/contract/images.ts';
import type { DataVolume } from '../../shared/kube/cdi.ts';
import { startApp, type RigApp } from '../rig/app.ts';
import { connectApp } from '../rig/app-channel.ts';
import type { EngineClient } from '../rig/engine-client.ts';
import { rigImage } from '../rig/images/rig-image.ts';
import { until } from '../rig/until.ts';

const folder = mkdtempSync(join(tmpdir(), 'hayloft-packed-'));
let app: RigApp;
let engine: EngineClient;
let channel: Awaited<ReturnType<typeof connectApp>>;
const uploads = new Map<string, Upload>();

beforeAll(async () => {
  app = await startApp();
  channel = await connectApp(app.url);
  engine = await app.engine();
  await until('the engine', async () => (await engine.api('GET', '/readyz')).status === 200);
  const take = (items: readonly Upload[]): void => items.forEach((item) => uploads.set(item.fileName, item));
  channel.client.subscribe('uploads', {}, { onSnapshot: take, onChanges: take, onError: () => undefined });
});

afterAll(async () => {
  channel.close();
  await app.destroy();
  rmSync(folder, { recursive: true });
});

const target = (fileName: string): { clusterId: string; namespace: string; fileName: string } => ({ clusterId: 'local', namespace: 'default', fileName });
const ended = (fileName: string): Promise<Upload> =>
  until(`the upload of ${fileName} to end`, () => {
    const upload = uploads.get(fileName);
    return upload && ['done', 'failed', 'cancelled'].includes(upload.state) && upload;
  });
const volume = async (name: string): Promise<DataVolume> => (await engine.api('GET', `/apis/cdi.kubevirt.io/v1beta1/namespaces/default/datavolumes/${name}`)).json();

it('a file of this computer becomes the image that is in it', async () => {
  const file = join(folder, 'mystery.bin');
  writeFileSync(file, execFileSync('xz', ['-c', '-1', rigImage('ipxe-iso')], { maxBuffer: 2 ** 28 }));
  await channel.client.call('images.uploadFile', { ...target('mystery.bin'), path: file });
  const upload = await ended('mystery.bin');
  expect(upload).toMatchObject({ state: 'done', kind: 'iso', sentBytes: statSync(file).size });
  expect((await volume(upload.name)).status?.phase).toBe('Succeeded');
});

it('so does a file that a browser sends', async () => {
  const packed = gzipSync(readFileSync(rigImage('netboot-iso')));
  const tail = packed.subarray(-16_384).toString('base64');
  const stream = await channel.client.open('images.upload', { ...target('netboot.iso.gz'), sizeBytes: packed.length, tail });
  await stream.write(packed);
  stream.end();
  const upload = await ended('netboot.iso.gz');
  expect(upload).toMatchObject({ state: 'done', kind: 'iso', name: 'netboot' });
  expect((await volume('netboot')).spec.storage?.resources?.requests?.storage).toBe('48Mi');
});

it('what is packed and no image is told before anything is sent', async () => {
  const file = join(folder, 'notes.gz');
  writeFileSync(file, gzipSync('nothing but words'));
  await channel.client.call('images.uploadFile', { ...target('notes.gz'), path: file });
  expect(await ended('notes.gz')).toMatchObject({ state: 'failed', sentBytes: 0, error: { code: 'not-an-image', message: 'notes.gz: Inside the gzip file: This is a text file, not an ISO or disk image.' } });
});

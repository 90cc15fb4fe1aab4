/** Files and names that are not what an upload expects. What files are by their content is in shared/images. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import type { DataVolume } from '#shared/kube/cdi.ts';
import { recognize } from '#shared/images/recognize.ts';
import type { ClusterConnection } from '../clusters/connection.ts';
import { createVolume } from './image-volume.ts';
import { fileSource } from './upload-source.ts';

const folder = mkdtempSync(join(tmpdir(), 'hayloft-lies-'));
afterAll(() => rmSync(folder, { recursive: true }));

it.each([
  ['quotes, a line’s end and an emoji', '"a"\n🦄’s.img', /^a-s$/],
  ['nothing that a name could be made of', '🦄.qcow2', /^unnamed$/],
  ['255 letters', `${'x'.repeat(251)}.img`, /^x{40,63}$/],
  ['a folder above', '../../etc/shadow', /^etc-shadow$/],
])('makes a valid name of %s, and keeps the file’s own', async (_name, fileName, valid) => {
  let made: DataVolume | undefined;
  const call = vi.fn((method: string, _path: string, { body }: { body?: DataVolume } = {}) => {
    if (method === 'POST') made = body;
    return Promise.resolve({ items: [] });
  });
  const cluster = { client: () => Promise.resolve({ call }) } as unknown as ClusterConnection;
  const name = await createVolume(cluster, { clusterId: 'c', namespace: 'default', fileName }, { fileBytes: 1, diskBytes: 0 }, 'disk', { upload: {} }, { uploadId: 'u' });
  expect(name).toMatch(valid);
  expect(made?.metadata).toMatchObject({ name, annotations: { 'hayloft.io/file-name': fileName } });
});

it('takes no folder and no device', async () => {
  await expect(fileSource(folder)).rejects.toMatchObject({ code: 'not-an-image' });
  await expect(fileSource('/dev/zero')).rejects.toMatchObject({ code: 'not-an-image' });
  await expect(fileSource('relative.iso')).rejects.toMatchObject({ code: 'bad-input' });
});

it('says of an empty file that it is empty, whatever it is called', async () => {
  const empty = join(folder, '"quoted"\n🦄.iso');
  writeFileSync(empty, '');
  const { head, sizeBytes } = await fileSource(empty);
  expect(recognize(head, sizeBytes).problem).toMatchObject({ code: 'not-an-image', message: 'The file is empty.' });
});

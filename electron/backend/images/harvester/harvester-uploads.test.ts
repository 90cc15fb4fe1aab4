import { createHash, randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HarvesterStandIn } from '../../../../test/stand-ins/harvester.ts';
import type { Upload } from '#shared/contract/images.ts';
import type { Clusters } from '../../clusters/clusters.ts';
import { ClusterConnection } from '../../clusters/connection.ts';
import { UploadJournal } from '../upload-journal.ts';
import { KeptUploadSettings } from '../upload-settings.ts';
import { fileSource } from '../upload-source.ts';
import { Uploads } from '../uploads.ts';

/** Whole sectors, and one byte more. */
const whole = randomFillSync(Buffer.alloc(6 * 2 ** 20));
// The signature of a boot sector makes a disk of it.
whole.writeUInt16LE(0xaa55, 510);
const odd = Buffer.concat([whole, Buffer.of(1)]);
const sumOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

let harvester: HarvesterStandIn;
let cluster: ClusterConnection;
let uploads: Uploads;
let folder: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'harvester-'));
  harvester = await HarvesterStandIn.start();
  cluster = new ClusterConnection({ id: 'far', name: 'Far', local: false, changed: () => undefined, warn: () => undefined });
  cluster.connect(harvester.api.access);
  uploads = new Uploads({ get: () => cluster } as unknown as Clusters, new UploadJournal(join(folder, 'uploads.json'), () => undefined), new KeptUploadSettings(join(folder, 'settings.json'), () => undefined));
});
afterEach(async () => {
  await uploads.close();
  cluster.close();
  await harvester.api.close();
  rmSync(folder, { recursive: true });
});

async function upload(content: Buffer, fileName = 'disk.img'): Promise<{ finished: Promise<void>; view: () => Upload | undefined; notes: Set<string> }> {
  const path = join(folder, 'file');
  writeFileSync(path, content);
  const source = await fileSource(path);
  const notes = new Set<string>();
  uploads.topic.subscribe({ onSnapshot: () => undefined, onChanges: (items) => items.forEach(({ note }) => note && notes.add(note)), onError: () => undefined });
  const { id, finished } = uploads.begin({ clusterId: 'far', namespace: 'default', fileName }, source.sizeBytes, Promise.resolve(source));
  return { finished, view: () => uploads.topic.get(id), notes };
}

describe('an upload to Harvester', () => {
  it('becomes one of its images, by the form that Longhorn’s backing images want', async () => {
    const { finished, view } = await upload(whole, 'my "disk".img');
    await finished;
    expect(harvester.made).toMatchObject([{ spec: { displayName: 'my "disk".img', sourceType: 'upload' }, metadata: { labels: { 'harvesterhci.io/image-type': 'raw_qcow2' } } }]);
    const [form] = harvester.seen;
    expect(form?.part).toEqual({ name: 'chunk', fileName: 'my _disk_.img', bytes: whole.length, sha256: sumOf(whole) });
    expect(form?.headers).toMatchObject({ 'file-size': String(whole.length), 'content-length': String(form?.body.length), authorization: `Bearer ${harvester.api.token}` });
    // Byte by byte: nothing is around the file but the form.
    const boundary = /boundary=(\S+)/.exec(form?.headers['content-type'] ?? '')?.[1] ?? '';
    const head = `--${boundary}\r\ncontent-disposition: form-data; name="chunk"; filename="my _disk_.img"\r\ncontent-type: application/octet-stream\r\n\r\n`;
    expect(form?.body.equals(Buffer.concat([Buffer.from(head), whole, Buffer.from(`\r\n--${boundary}--\r\n`)]))).toBe(true);
    await vi.waitFor(() => expect(view()).toMatchObject({ state: 'done', name: harvester.made[0]?.metadata.name, sum: { sha256: sumOf(whole) }, beginsAgain: true }), { timeout: 10_000 });
  });

  it('is filled up to whole sectors for backing images, and left as it is for CDI', async () => {
    const { finished } = await upload(odd);
    await finished;
    expect(harvester.seen[0]?.part).toMatchObject({ name: 'chunk', bytes: odd.length + 511, sha256: sumOf(Buffer.concat([odd, Buffer.alloc(511)])) });
    harvester.backend = 'cdi';
    const second = await upload(odd);
    await second.finished;
    expect(harvester.seen[1]?.part).toMatchObject({ name: 'file', bytes: odd.length, sha256: sumOf(odd) });
    // Its webhook takes no name twice.
    expect(harvester.made.map(({ spec }) => spec.displayName)).toEqual(['disk.img', 'disk-2.img']);
  });

  it('waits until the image is initialized, and until it is imported', async () => {
    harvester.atFirst = [{ type: 'Initialized', status: 'Unknown' }];
    harvester.afterwards = (image) => harvester.tell(image, { progress: 40, conditions: [{ type: 'Imported', status: 'Unknown' }] });
    const { finished, view, notes } = await upload(whole);
    await vi.waitFor(() => expect(harvester.made).toHaveLength(1));
    const [image] = harvester.made;
    if (!image) throw new Error('There is no image.');
    expect(harvester.seen).toEqual([]);
    harvester.tell(image, { conditions: [{ type: 'Initialized', status: 'True' }] });
    await vi.waitFor(() => expect(view()?.state).toBe('processing'), { timeout: 10_000 });
    await vi.waitFor(() => expect([...notes]).toContain('Harvester has taken in 40 % of it.'));
    harvester.tell(image, { progress: 100, conditions: [{ type: 'Imported', status: 'True' }] });
    await finished;
    expect(view()?.state).toBe('done');
  });

  it('is made anew when the line is cut, and says so', async () => {
    harvester.mischief = [{ cutAfter: 2 ** 20 }];
    const { finished, view, notes } = await upload(whole);
    await finished;
    expect(harvester.removed).toHaveLength(1);
    expect(harvester.made).toHaveLength(1);
    expect(harvester.seen.at(-1)?.part?.sha256).toBe(sumOf(whole));
    expect(view()).toMatchObject({ state: 'done', name: harvester.made[0]?.metadata.name });
    expect([...notes].join()).toContain('cannot go on in the middle of an image. All of it is sent again.');
  });

  it('waits for a backend that is not ready', async () => {
    harvester.mischief = [{ status: 503, body: 'data source is not ready' }];
    const { finished } = await upload(whole);
    await finished;
    expect(harvester.seen).toHaveLength(2);
  });

  it.each([
    ['Imported', 'False', 'no room on any node'],
    ['RetryLimitExceeded', 'True', 'retried 3 times'],
  ] as const)('that ends with %s %s tells why, and leaves nothing', async (type, status, message) => {
    harvester.afterwards = (image) => harvester.tell(image, { conditions: [{ type, status, message }] });
    const { finished, view } = await upload(whole);
    await expect(finished).rejects.toThrow(message);
    expect(view()?.state).toBe('failed');
    expect(harvester.made).toEqual([]);
  });

  it('is refused before anything is made where Harvester could not read it', async () => {
    const { finished } = await upload(gzipSync(whole), 'disk.img.gz');
    await expect(finished).rejects.toMatchObject({ code: 'unsupported' });
    expect(harvester.seen).toEqual([]);
    expect(harvester.made).toEqual([]);
  });
});

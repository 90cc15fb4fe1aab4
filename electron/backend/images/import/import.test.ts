import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Clusters } from '../../clusters/clusters.ts';
import { Catalog } from './catalog.ts';
import { importCalls } from './import-calls.ts';

const context = { signal: new AbortController().signal };
const where = { clusterId: 'c', namespace: 'default' };
const sum = 'ab'.repeat(64);
let folder: string;
let catalog: Catalog;
let server: Server;
let address: string;
let asked: string[];
let files: Record<string, Buffer | string>;
const call = vi.fn<(method: string, path: string, options?: { body?: unknown }) => Promise<unknown>>(() => Promise.resolve({ items: [] }));
let groups: Set<string>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hayloft-import-'));
  catalog = new Catalog(folder, { warn: (message) => { throw new Error(message); } });
  files = {};
  asked = [];
  groups = new Set();
  call.mockClear();
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const bytes = files[request.url ?? ''];
    if (bytes === undefined) response.writeHead(404).end();
    else response.end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

const calls = (): ReturnType<typeof importCalls> => {
  const client = { call, get served() { return groups; } };
  return importCalls({ get: () => ({ id: 'c', client: () => Promise.resolve(client) }) } as unknown as Clusters, catalog);
};
const made = (): unknown => call.mock.calls.find(([method]) => method === 'POST')?.[2]?.body;

/** The header of a QCOW2 disk of 1 GiB. */
function qcow2(): Buffer {
  const head = Buffer.alloc(512);
  head.write('QFI\xfb', 'latin1');
  head.writeUInt32BE(3, 4);
  head.writeBigUInt64BE(2n ** 30n, 24);
  return head;
}

it('lets a cluster with CDI fetch an own entry, with the published checksum and room for the disk in it', async () => {
  files = { '/x/my.qcow2': qcow2(), '/x/SHA512SUMS': `${sum}  my.qcow2\n` };
  catalog.save({ name: 'Mine', kind: 'disk', url: `${address}/x/my.qcow2`, checksumUrl: `${address}/x/SHA512SUMS`, user: 'me' });
  const entry = catalog.topic.values().find(({ own }) => own);
  await calls()['catalog.import']({ ...where, entryId: entry?.id ?? '' }, context);
  expect(made()).toMatchObject({
    kind: 'DataVolume',
    metadata: { name: 'my', annotations: { 'hayloft.io/display-name': 'Mine', 'hayloft.io/user': 'me', 'hayloft.io/source-url': `${address}/x/my.qcow2`, 'hayloft.io/format': 'qcow2' } },
    spec: { source: { http: { url: `${address}/x/my.qcow2`, checksum: `sha512:${sum}` } }, storage: { resources: { requests: { storage: '1Gi' } } } },
  });
  // Kept over the app's runs.
  expect(new Catalog(folder, { warn: () => undefined }).entry(entry?.id ?? '')).toEqual(entry);
});

it('lets Harvester download it as one of its own images, with the checksum that it compares', async () => {
  groups.add('harvesterhci.io');
  files = { '/my.qcow2': qcow2() };
  await calls()['images.importUrl']({ ...where, url: `${address}/my.qcow2`, checksum: sum, displayName: 'Mine' }, context);
  expect(made()).toMatchObject({ kind: 'VirtualMachineImage', spec: { displayName: 'Mine', sourceType: 'download', url: `${address}/my.qcow2`, checksum: sum } });
});

it('refuses a SHA-256 for Harvester, which would not compare it, and makes nothing', async () => {
  groups.add('harvesterhci.io');
  files = { '/my.qcow2': qcow2() };
  await expect(calls()['images.importUrl']({ ...where, url: `${address}/my.qcow2`, checksum: 'a'.repeat(64) }, context)).rejects.toMatchObject({ code: 'unsupported', field: 'checksum' });
  expect(made()).toBeUndefined();
});

it('tells where Harvester compares nothing with the SHA-256 that a maker publishes', async () => {
  groups.add('harvesterhci.io');
  files = { '/my.qcow2': qcow2(), '/SHA256SUMS': `${'a'.repeat(64)}  my.qcow2\n` };
  catalog.save({ name: 'Mine', kind: 'disk', url: `${address}/my.qcow2`, checksumUrl: `${address}/SHA256SUMS` });
  const entry = catalog.topic.values().find(({ own }) => own);
  const { unchecked } = await calls()['catalog.import']({ ...where, entryId: entry?.id ?? '' }, context);
  expect(unchecked).toContain('Harvester compares SHA-512 only');
  expect(made()).toMatchObject({ kind: 'VirtualMachineImage' });
});

it('goes to the mirror for the file and its checksums, and imports nothing without them', async () => {
  catalog.setMirror(`${address}/mirror/`);
  await expect(calls()['catalog.import']({ ...where, entryId: 'debian-12' }, context)).rejects.toMatchObject({ code: 'not-found' });
  expect(asked).toEqual(['/mirror/cloud.debian.org/images/cloud/bookworm/latest/SHA512SUMS']);
  expect(made()).toBeUndefined();
});

it('sends a cluster where this computer gets no answer, by what the catalog knows', async () => {
  server.close();
  catalog.setMirror('http://127.0.0.1:9');
  expect(await calls()['catalog.import']({ ...where, entryId: 'haos' }, context)).not.toHaveProperty('unchecked');
  expect(made()).toMatchObject({ spec: { source: { http: { url: expect.stringContaining('http://127.0.0.1:9/github.com/') as string } }, storage: { resources: { requests: { storage: '32Gi' } } } } });
  call.mockClear();
  const { unchecked } = await calls()['catalog.import']({ ...where, entryId: 'debian-12' }, context);
  expect(unchecked).toContain('does not answer this computer');
  expect(made()).not.toHaveProperty('spec.source.http.checksum');
});

it('refuses what is no image, and addresses with passwords', async () => {
  files = { '/a.iso': 'a text' };
  await expect(calls()['images.importUrl']({ ...where, url: `${address}/a.iso` }, context)).rejects.toMatchObject({ code: 'not-an-image', field: 'url' });
  await expect(calls()['images.importUrl']({ ...where, url: 'http://a:b@127.0.0.1/a.iso' }, context)).rejects.toMatchObject({ code: 'bad-input', field: 'url' });
  await expect(calls()['images.importUrl']({ ...where, url: `${address}/a.iso`, checksum: 'abc' }, context)).rejects.toMatchObject({ code: 'bad-input', field: 'checksum' });
  expect(made()).toBeUndefined();
});

it('names what has to be downloaded by hand, and lets nobody change what everybody has', async () => {
  await expect(calls()['catalog.import']({ ...where, entryId: 'windows-11' }, context)).rejects.toMatchObject({ code: 'unsupported' });
  expect(() => catalog.remove('debian-12')).toThrow(expect.objectContaining({ code: 'bad-input' }));
});

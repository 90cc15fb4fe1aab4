import { createHash, randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CdiStandIn } from '../../../../test/stand-ins/cdi.ts';
import type { DataVolume } from '#shared/kube/cdi.ts';
import type { Clusters } from '../../clusters/clusters.ts';
import { ClusterConnection } from '../../clusters/connection.ts';
import { identityOf } from '../file-identity.ts';
import { RateLimit } from '../rate-limit.ts';
import { UploadJournal } from '../upload-journal.ts';
import { KeptUploadSettings } from '../upload-settings.ts';
import { fileSource } from '../upload-source.ts';
import { Uploads } from '../uploads.ts';
import { FileServer, readRange } from './file-server.ts';

const content = randomFillSync(Buffer.alloc(3 * 2 ** 20 + 100));
// The signature of a boot sector makes a disk of it.
content.writeUInt16LE(0xaa55, 510);
let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'served-'));
  path = join(folder, 'disk.img');
  writeFileSync(path, content);
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('a file that is served', () => {
  let server: FileServer;
  let fetched: number;
  const ask = (init: RequestInit = {}, secret = 'geheim'): Promise<Response> => fetch(`http://127.0.0.1:${server.port}/${secret}/disk.img`, init);

  beforeEach(async () => {
    fetched = 0;
    server = await FileServer.start({ file: identityOf(path, statSync(path)), door: { address: '127.0.0.1', port: 0, secret: 'geheim' }, limit: new RateLimit(), fetched: (until) => (fetched = until) });
  });
  afterEach(() => server.close());

  it('is given whole, and by parts of the same file', async () => {
    const answer = await ask();
    expect(answer.status).toBe(200);
    expect(Buffer.from(await answer.arrayBuffer()).equals(content)).toBe(true);
    expect(fetched).toBe(content.length);
    const etag = answer.headers.get('etag') ?? '';
    const part = await ask({ headers: { range: 'bytes=1000000-', 'if-range': etag } });
    expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes 1000000-${content.length - 1}/${content.length}`]);
    expect(Buffer.from(await part.arrayBuffer()).equals(content.subarray(1_000_000))).toBe(true);
    expect((await ask({ headers: { range: 'bytes=5-', 'if-range': '"another"' } })).status).toBe(200);
    expect((await ask({ headers: { range: `bytes=${content.length}-` } })).status).toBe(416);
    const head = await ask({ method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), head.headers.get('accept-ranges')]).toEqual([200, String(content.length), 'bytes']);
  });

  it('is nobody’s who does not know its secret, and cannot be changed', async () => {
    expect((await ask({}, 'falsch')).status).toBe(404);
    expect((await fetch(`http://127.0.0.1:${server.port}/geheimnis/disk.img`)).status).toBe(404);
    expect((await fetch(`http://127.0.0.1:${server.port}/`)).status).toBe(404);
    expect((await ask({ method: 'PUT', body: 'x' })).status).toBe(405);
    expect(server.visits).toBe(0);
  });

  it('is only at the address that the cluster was told', async () => {
    await expect(fetch(`http://127.0.0.2:${server.port}/geheim/disk.img`)).rejects.toThrow();
    const elsewhere = FileServer.start({ file: identityOf(path, statSync(path)), door: { address: '192.0.2.1', port: 0, secret: 'geheim' }, limit: new RateLimit(), fetched: () => undefined });
    await expect(elsewhere).rejects.toMatchObject({ code: 'unreachable' });
  });

  it('is gone when it is another one', async () => {
    truncateSync(path, 100);
    expect((await ask()).status).toBe(410);
  });

  it('is read by stretches as RFC 9110 has them', () => {
    expect(readRange('bytes=0-9', 100)).toEqual({ from: 0, to: 10 });
    expect(readRange('bytes=90-500', 100)).toEqual({ from: 90, to: 100 });
    expect(readRange('bytes=-10', 100)).toEqual({ from: 90, to: 100 });
    expect([readRange('bytes=0-1,5-6', 100), readRange('lines=1-2', 100), readRange(undefined, 100), readRange('bytes=9-3', 100)]).toEqual(['all', 'all', 'all', 'all']);
    expect([readRange('bytes=100-', 100), readRange('bytes=-0', 100)]).toEqual(['none', 'none']);
  });
});

describe('an upload that the cluster fetches', () => {
  let cdi: CdiStandIn;
  let cluster: ClusterConnection;
  let uploads: Uploads;
  const nextRun = (): Uploads =>
    new Uploads({ get: () => cluster } as unknown as Clusters, new UploadJournal(join(folder, 'uploads.json'), () => undefined), new KeptUploadSettings(join(folder, 'settings.json'), () => undefined));

  beforeEach(async () => {
    cdi = await CdiStandIn.start(true);
    cluster = new ClusterConnection({ id: 'far', name: 'Far', local: false, changed: () => undefined, warn: () => undefined });
    cluster.connect(cdi.api.access);
    uploads = nextRun();
  });
  afterEach(async () => {
    await uploads.close();
    cluster.close();
    await cdi.close();
  });

  /** An upload that was cut off too often, and is served then. */
  async function served(): Promise<{ id: string; volume: DataVolume; url: string }> {
    cdi.mischief = Array.from({ length: 9 }, () => ({ cutAfter: 1 }));
    const { id, finished } = uploads.begin({ clusterId: 'far', namespace: 'default', fileName: 'disk.img' }, content.length, fileSource(path));
    await vi.waitFor(() => expect(uploads.topic.get(id)?.canServe).toBe(true), { timeout: 10_000 });
    cdi.firstPhase = 'ImportInProgress';
    await uploads.serve(id);
    await finished.catch(() => undefined);
    await vi.waitFor(() => expect(uploads.topic.get(id)).toMatchObject({ state: 'sending', note: expect.stringContaining('fetches it from port') as string }), { timeout: 10_000 });
    const volume = cdi.made.at(-1);
    const url = volume?.spec.source?.http?.url;
    if (!volume || url === undefined) throw new Error('There is no volume that imports.');
    return { id, volume, url };
  }

  it('is done when it was fetched, in pieces, and is served no longer', async () => {
    const { id, volume, url } = await served();
    expect(new URL(url).pathname).toMatch(/^\/[\w-]{32}\/disk\.img$/);
    const first = await fetch(url, { headers: { range: 'bytes=0-1048575' } });
    const rest = await fetch(url, { headers: { range: 'bytes=1048576-' } });
    const all = Buffer.concat([Buffer.from(await first.arrayBuffer()), Buffer.from(await rest.arrayBuffer())]);
    expect(all.equals(content)).toBe(true);
    cdi.phase(volume.metadata.name ?? '', 'Succeeded');
    await vi.waitFor(() => expect(uploads.topic.get(id)?.state).toBe('done'), { timeout: 10_000 });
    await vi.waitFor(() => expect(uploads.topic.get(id)?.sum?.sha256).toBeDefined(), { timeout: 10_000 });
    expect(uploads.topic.get(id)).toMatchObject({ sentBytes: content.length, sum: { sha256: createHash('sha256').update(content).digest('hex') } });
    await expect(fetch(url)).rejects.toThrow();
    // What was sent before is gone.
    expect(cdi.removed).toHaveLength(1);
  });

  it('is at the same address in the next run of the app', async () => {
    const { id, volume, url } = await served();
    await uploads.close();
    await expect(fetch(url)).rejects.toThrow();
    uploads = nextRun();
    uploads.goOn();
    await vi.waitFor(async () => expect((await fetch(url)).status).toBe(200), { timeout: 10_000 });
    cdi.phase(volume.metadata.name ?? '', 'Succeeded');
    await vi.waitFor(() => expect(uploads.topic.get(id)?.state).toBe('done'), { timeout: 10_000 });
  });

  it('is not there during a pause, and goes when it is canceled', async () => {
    const { id, url, volume } = await served();
    uploads.pause(id);
    await vi.waitFor(() => expect(fetch(url)).rejects.toThrow());
    uploads.resume(id);
    await vi.waitFor(async () => expect((await fetch(url)).status).toBe(200), { timeout: 10_000 });
    uploads.cancel(id);
    await vi.waitFor(() => expect(uploads.topic.get(id)?.state).toBe('cancelled'), { timeout: 10_000 });
    await expect(fetch(url)).rejects.toThrow();
    expect(cdi.removed).toContain(volume.metadata.name);
  });
});

import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, renameSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Upload } from '#shared/contract/images.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import type { Clusters } from '../clusters/clusters.ts';
import { ClusterConnection } from '../clusters/connection.ts';
import { failure, FakeApiServer, selfSigned } from '../clusters/fake-api-server.ts';
import { UploadJournal } from './upload-journal.ts';
import { KeptUploadSettings } from './upload-settings.ts';
import { fileSource } from './upload-source.ts';
import { Uploads } from './uploads.ts';

const identity = selfSigned();
const group = '/apis/cdi.kubevirt.io/v1beta1';
const list = `${group}/datavolumes`;
const target = { clusterId: 'fake', namespace: 'default', fileName: 'disk.img' };
const size = 64 * 1024 * 1024;

let api: FakeApiServer;
let cluster: ClusterConnection;
let uploads: Uploads;
let folder: string;
let file: string;
let removed: string[];
/** How often a removal is refused because the cluster is busy. */
let refusals: number;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'uploads-'));
  file = join(folder, 'disk.img');
  // A boot sector with one Linux partition.
  const sector = Buffer.alloc(512);
  sector.set([0xeb, 0x3c, 0x90]);
  sector.set([0x80, 0, 2, 0, 0x83, 0, 0, 0], 446);
  sector.writeUInt32LE(2048, 454);
  sector.writeUInt32LE(size / 512 - 2048, 458);
  sector.writeUInt16LE(0xaa55, 510);
  writeFileSync(file, sector);
  truncateSync(file, size);
  removed = [];
  refusals = 0;
  api = await FakeApiServer.start(0, identity);
  cluster = new ClusterConnection({ id: 'fake', name: 'Fake', local: false, changed: () => undefined, warn: () => undefined });
  api.answer = ({ method, path, body }) => {
    if (path === `${group}/cdiconfigs/config`) return { status: 200, body: { status: { uploadProxyURL: api.access.server } } };
    if (path.endsWith('/uploadtokenrequests')) return { status: 201, body: { status: { token: 'upload' } } };
    if (method === 'POST' && path.endsWith('/datavolumes')) {
      api.put(list, { ...(body as KubeObject), status: { phase: 'UploadReady' } } as KubeObject);
      return { status: 201, body };
    }
    if (method === 'DELETE') {
      if (refusals-- > 0) return { status: 403, body: failure(403, 'Forbidden', 'no') };
      removed.push(path.split('/').at(-1) ?? '');
      return { status: 200, body: {} };
    }
    return undefined;
  };
  cluster.connect(api.access);
  uploads = nextRun();
});
afterEach(async () => {
  await uploads.close();
  cluster.close();
  await api.close();
  rmSync(folder, { recursive: true });
});

/** Longer than anything here takes on a busy computer. */
const patient = { timeout: 30_000 };

/** The uploads of another run of the app. */
const nextRun = (): Uploads =>
  new Uploads({ get: () => cluster } as unknown as Clusters, new UploadJournal(join(folder, 'uploads.json'), (message) => { throw new Error(message); }), new KeptUploadSettings(join(folder, 'settings.json'), (message) => { throw new Error(message); }));

/** Takes all bytes, and has the image then. @returns how many came with each request */
function storing(name = 'disk'): number[] {
  const received: number[] = [];
  proxy((request, response) => {
    const index = received.push(0) - 1;
    request.on('data', (chunk: Buffer) => (received[index] = (received[index] ?? 0) + chunk.length));
    request.on('end', () => {
      response.end();
      api.put(list, { apiVersion: '', kind: '', metadata: { name, namespace: 'default' }, status: { phase: 'Succeeded' } } as KubeObject);
    });
  });
  return received;
}

/** Takes the first bytes and then no more. @returns resolves when they have come */
const stuck = (): Promise<unknown> =>
  new Promise((resolve) => {
    proxy((request) => {
      request.once('data', (bytes) => {
        request.pause();
        resolve(bytes);
      });
    });
  });

/** What the cluster's upload proxy does; by default nothing, so that the sender waits. */
function proxy(take: (request: IncomingMessage, response: ServerResponse) => void): void {
  const others = api.server.listeners('request');
  api.server.removeAllListeners('request').on('request', (request, response) => {
    // CDI's proxy knows no offsets.
    if (request.method === 'HEAD') response.writeHead(404).end();
    else if (request.url?.startsWith('/v1beta1/upload')) take(request, response);
    else for (const listener of others) listener.call(api.server, request, response);
  });
}

async function upload(): Promise<{ id: string; finished: Promise<void>; view: () => Upload | undefined }> {
  const source = await fileSource(file);
  const { id, finished } = uploads.begin(target, source.sizeBytes, Promise.resolve(source));
  return { id, finished, view: () => uploads.topic.get(id) };
}

describe('an upload', () => {
  it('is done when all is sent and the volume has it', async () => {
    let bytes = 0;
    proxy((request, response) => {
      request.on('data', (chunk: Buffer) => (bytes += chunk.length));
      request.on('end', () => {
        response.end();
        api.put(list, { apiVersion: '', kind: '', metadata: { name: 'disk', namespace: 'default' }, status: { phase: 'Succeeded' } } as KubeObject);
      });
    });
    const { finished, view } = await upload();
    await finished;
    expect(bytes).toBe(size);
    expect(view()).toMatchObject({ state: 'done', name: 'disk', kind: 'disk', sentBytes: size });
    expect(removed).toEqual([]);
  });

  it('of a packed image asks for a disk as large as what is in it, whatever the file is called', async () => {
    writeFileSync(file, gzipSync(readFileSync(file)));
    const made: KubeObject[] = [];
    const before = api.answer;
    api.answer = (request) => {
      if (request.method === 'POST' && request.path.endsWith('/datavolumes')) made.push(request.body as KubeObject);
      return before(request);
    };
    proxy((request, response) => {
      request.resume().on('end', () => {
        response.end();
        api.put(list, { apiVersion: '', kind: '', metadata: { name: 'disk', namespace: 'default' }, status: { phase: 'Succeeded' } } as KubeObject);
      });
    });
    const { finished, view } = await upload();
    await finished;
    expect(view()).toMatchObject({ state: 'done', kind: 'disk' });
    expect(made).toMatchObject([{ spec: { storage: { resources: { requests: { storage: '64Mi' } } } } }]);
  });

  it('tells the cluster’s reason when it is refused half-way, and leaves nothing', async () => {
    proxy((request, response) => {
      request.once('data', () => {
        const body = failure(507, 'InsufficientStorage', 'The disk is full.', [{ reason: 'no-space', message: 'Free some space.' }]);
        // No “connection: close”: Node would close at once, and the sender's next bytes would meet a reset, not the answer.
        response.writeHead(507).end(JSON.stringify(body));
        request.resume();
      });
    });
    const { finished, view } = await upload();
    await expect(finished).rejects.toMatchObject({ code: 'no-space', message: 'The disk is full.', hint: 'Free some space.' });
    expect(view()).toMatchObject({ state: 'failed', error: { code: 'no-space' } });
    expect(removed).toEqual(['disk']);
  });

  it('says that the connection was lost when it breaks', async () => {
    proxy((request) => void request.once('data', () => request.socket.destroy()));
    const { finished } = await upload();
    await expect(finished).rejects.toMatchObject({ code: 'connection-lost', retryable: true });
    expect(removed).toEqual(['disk']);
  });

  it('leaves nothing when it is cancelled', async () => {
    const begun = new Promise((resolve) => proxy((request) => void request.once('data', resolve)));
    const { id, finished, view } = await upload();
    await begun;
    uploads.cancel(id);
    await expect(finished).rejects.toMatchObject({ code: 'cancelled' });
    expect(view()?.state).toBe('cancelled');
    expect(removed).toEqual(['disk']);
  });

  it('ends also when what it left cannot be removed', async () => {
    refusals = 1;
    proxy((request) => void request.once('data', () => request.socket.destroy()));
    const { finished, view } = await upload();
    await expect(finished).rejects.toMatchObject({ code: 'connection-lost' });
    expect(view()?.state).toBe('failed');
  });

  it('notices that the file became shorter meanwhile', async () => {
    proxy((request) => void request.resume());
    const source = await fileSource(file);
    truncateSync(file, size / 2);
    const { finished } = uploads.begin(target, source.sizeBytes, Promise.resolve(source));
    await expect(finished).rejects.toMatchObject({ code: 'truncated' });
    expect(removed).toEqual(['disk']);
  });

  it('from a browser is cleaned up before the app closes', async () => {
    const begun = stuck();
    const source = await fileSource(file);
    const { chunks, head, sizeBytes } = source;
    uploads.begin(target, size, Promise.resolve({ chunks, head, sizeBytes })).finished.catch(() => undefined);
    await begun;
    await uploads.close();
    expect(removed).toEqual(['disk']);
  });

  it('of a file goes on in the next run of the app', async () => {
    const begun = stuck();
    const { finished } = await upload();
    finished.catch(() => undefined);
    await begun;
    await uploads.close();
    expect(removed).toEqual([]);
    storing();
    uploads = nextRun();
    uploads.goOn();
    const [{ id } = { id: '' }] = uploads.topic.values();
    await vi.waitFor(() => expect(uploads.topic.get(id)?.state).toBe('done'), patient);
    expect(api.requests.filter((line) => line.startsWith('POST') && line.endsWith('/datavolumes'))).toHaveLength(1);
    // Nothing is left to go on with.
    uploads = nextRun();
    uploads.goOn();
    expect([...uploads.topic.values()]).toEqual([]);
  });

  it('does not go on with another file than it began with', async () => {
    const begun = stuck();
    (await upload()).finished.catch(() => undefined);
    await begun;
    await uploads.close();
    utimesSync(file, 1, 1);
    uploads = nextRun();
    uploads.goOn();
    const [{ id } = { id: '' }] = uploads.topic.values();
    await vi.waitFor(() => expect(uploads.topic.get(id)).toMatchObject({ state: 'failed', error: { code: 'truncated' } }), patient);
    expect(removed).toEqual(['disk']);
  });

  it('stands still and goes on; where the cluster cannot go on in the middle, all is sent again', async () => {
    const begun = stuck();
    const { id, finished, view } = await upload();
    await begun;
    uploads.pause(id);
    expect(view()).toMatchObject({ state: 'paused', beginsAgain: true });
    const received = storing();
    uploads.resume(id);
    await finished;
    expect(received).toEqual([size]);
    expect(view()?.state).toBe('done');
    expect(removed).toEqual([]);
  });

  it('of bytes that come but once stands still, too', async () => {
    const received = storing();
    const source = await fileSource(file);
    const gate = Promise.withResolvers<undefined>();
    const begun = Promise.withResolvers<undefined>();
    const chunks = async function* (): AsyncGenerator<Uint8Array> {
      for await (const chunk of source.chunks()) {
        yield chunk;
        begun.resolve(undefined);
        await gate.promise;
      }
    };
    const { id, finished } = uploads.begin(target, size, Promise.resolve({ head: source.head, sizeBytes: size, chunks }));
    await begun.promise;
    uploads.pause(id);
    gate.resolve(undefined);
    await vi.waitFor(() => expect(received[0]).toBeGreaterThan(0));
    const before = received[0];
    await new Promise((resolve) => setImmediate(resolve));
    expect(received[0]).toBe(before);
    uploads.resume(id);
    await finished;
    expect(received).toEqual([size]);
  });

  it('stays paused over the next run of the app, and can be canceled then', async () => {
    const begun = stuck();
    const { id, finished } = await upload();
    finished.catch(() => undefined);
    await begun;
    uploads.pause(id);
    await uploads.close();
    uploads = nextRun();
    uploads.goOn();
    await vi.waitFor(() => expect(uploads.topic.get(id)).toMatchObject({ state: 'paused', kind: 'disk' }), patient);
    uploads.cancel(id);
    await vi.waitFor(() => expect(uploads.topic.get(id)?.state).toBe('cancelled'), patient);
    expect(removed).toEqual(['disk']);
  });

  it('tells the file’s SHA-256, and keeps it with the volume', async () => {
    let note: unknown;
    const before = api.answer;
    api.answer = (request) => {
      if (request.method !== 'PATCH') return before(request);
      // What the image is, is kept first.
      if (JSON.stringify(request.body).includes('file-sha256')) note = request.body;
      return { status: 200, body: {} };
    };
    storing();
    const { finished, view } = await upload();
    await finished;
    const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex');
    await vi.waitFor(() => expect(note).toBeDefined(), patient);
    expect(view()?.sum).toEqual({ sha256 });
    expect(note).toEqual({ metadata: { annotations: { 'hayloft.io/file-sha256': sha256 } } });
  });

  it('is refused where the file has another SHA-256 than it should, and leaves nothing', async () => {
    const begun = stuck();
    const { id, finished, view } = await upload();
    await begun;
    const wanted = 'a'.repeat(64);
    expect(uploads.expectSums(`${wanted}  disk.img\n${'b'.repeat(64)}  other.img`)).toEqual(['disk.img']);
    uploads.pause(id);
    storing();
    uploads.resume(id);
    await expect(finished).rejects.toMatchObject({ code: 'not-an-image', message: expect.stringContaining(wanted) as string });
    expect(view()).toMatchObject({ state: 'failed', sum: { wanted } });
    expect(removed).toEqual(['disk']);
  });

  it('knows the sums that came before the file, and refuses what is none', async () => {
    expect(() => uploads.expectSums('nothing')).toThrow('no SHA-256');
    expect(uploads.expectSums(`${'a'.repeat(64)}  disk.img`)).toEqual([]);
    storing();
    const { finished } = await upload();
    await expect(finished).rejects.toMatchObject({ code: 'not-an-image' });
  });

  it('notices that another file was put in its place meanwhile', async () => {
    proxy((request, response) => {
      request.once('data', () => {
        writeFileSync(`${file}.new`, readFileSync(file));
        renameSync(`${file}.new`, file);
        request.resume();
      });
      request.on('end', () => {
        response.end();
        api.put(list, { apiVersion: '', kind: '', metadata: { name: 'disk', namespace: 'default' }, status: { phase: 'Succeeded' } } as KubeObject);
      });
    });
    const { finished } = await upload();
    await expect(finished).rejects.toMatchObject({ code: 'truncated' });
    expect(removed).toEqual(['disk']);
  });

  it('takes another name where somebody was quicker', async () => {
    const before = api.answer;
    let quicker = true;
    api.answer = (request) => {
      if (request.method !== 'POST' || !request.path.endsWith('/datavolumes') || !quicker) return before(request);
      quicker = false;
      return { status: 409, body: failure(409, 'AlreadyExists', 'it is there') };
    };
    storing('disk-2');
    const { finished, view } = await upload();
    await finished;
    expect(view()?.name).toBe('disk-2');
  });

  it('waits for its turn', async () => {
    const begun = stuck();
    const all = [await upload(), await upload(), await upload()];
    for (const { finished } of all) finished.catch(() => undefined);
    await begun;
    await vi.waitFor(() => expect(all.map(({ view }) => view()?.state).toSorted()).toEqual(['sending', 'sending', 'waiting']), patient);
    const sending = all.find(({ view }) => view()?.state === 'sending');
    const waiting = all.find(({ view }) => view()?.state === 'waiting');
    uploads.cancel(sending?.id ?? '');
    await vi.waitFor(() => expect(waiting?.view()?.state).toBe('sending'), patient);
    for (const { id } of all) uploads.cancel(id);
    await Promise.allSettled(all.map(({ finished }) => finished));
  });

  it('touches no cluster with what is no image', async () => {
    writeFileSync(file, 'Just some text.\n'.repeat(100));
    const { finished } = await upload();
    await expect(finished).rejects.toMatchObject({ code: 'not-an-image' });
    expect(api.requests.filter((line) => line.startsWith('POST'))).toEqual([]);
    await vi.waitFor(() => expect(cluster.view.state).toBe('ready'));
  });
});

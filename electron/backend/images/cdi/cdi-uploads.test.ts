import { createHash, randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { CdiStandIn } from '../../../../test/stand-ins/cdi.ts';
import type { Upload } from '#shared/contract/images.ts';
import type { Clusters } from '../../clusters/clusters.ts';
import { ClusterConnection } from '../../clusters/connection.ts';
import { UploadJournal } from '../upload-journal.ts';
import { KeptUploadSettings } from '../upload-settings.ts';
import { fileSource } from '../upload-source.ts';
import { Uploads } from '../uploads.ts';

const content = randomFillSync(Buffer.alloc(24 * 2 ** 20));
// The signature of a boot sector makes a disk of it.
content.writeUInt16LE(0xaa55, 510);
const sha256 = createHash('sha256').update(content).digest('hex');
const target = { clusterId: 'far', namespace: 'default', fileName: 'disk.img' };

let cdi: CdiStandIn;
let cluster: ClusterConnection;
let uploads: Uploads;
let folder: string;

async function begin(hasAddress = true): Promise<void> {
  folder = mkdtempSync(join(tmpdir(), 'cdi-'));
  writeFileSync(join(folder, 'disk.img'), content);
  cdi = await CdiStandIn.start(hasAddress);
  cluster = new ClusterConnection({ id: 'far', name: 'Far', local: false, changed: () => undefined, warn: () => undefined });
  cluster.connect(cdi.api.access);
  uploads = new Uploads({ get: () => cluster } as unknown as Clusters, new UploadJournal(join(folder, 'uploads.json'), () => undefined), new KeptUploadSettings(join(folder, 'settings.json'), () => undefined));
}
afterEach(async () => {
  await uploads.close();
  cluster.close();
  await cdi.close();
  rmSync(folder, { recursive: true });
});

/** @returns its end, how it stands, and what was said of it on the way */
async function upload(): Promise<{ finished: Promise<void>; view: () => Upload | undefined; notes: Set<string> }> {
  const source = await fileSource(join(folder, 'disk.img'));
  const notes = new Set<string>();
  uploads.topic.subscribe({ onSnapshot: () => undefined, onChanges: (items) => items.forEach(({ note }) => note && notes.add(note)), onError: () => undefined });
  const { id, finished } = uploads.begin(target, source.sizeBytes, Promise.resolve(source));
  return { finished, view: () => uploads.topic.get(id), notes };
}

describe('an upload to CDI', () => {
  it('goes to the address that CDI tells, as virtctl sends it', async () => {
    await begin();
    const { finished, view } = await upload();
    await finished;
    expect(cdi.seen).toHaveLength(1);
    expect(cdi.seen[0]).toMatchObject({ method: 'POST', path: '/v1beta1/upload-async', bytes: content.length, sha256 });
    const { host, connection, ...headers } = cdi.seen[0]?.headers ?? {};
    expect([host, connection]).toEqual([`127.0.0.1:${cdi.proxyPort}`, expect.any(String)]);
    expect(headers).toEqual({ authorization: 'Bearer token-1', 'content-type': 'application/octet-stream', 'content-length': String(content.length) });
    expect(cdi.made[0]).toMatchObject({
      metadata: { annotations: { 'cdi.kubevirt.io/storage.bind.immediate.requested': 'true' } },
      // CDI adds what a file system takes to `storage`, and not to `pvc`.
      spec: { source: { upload: {} }, storage: { resources: { requests: { storage: '24Mi' } } } },
    });
    await vi.waitFor(() => expect(view()).toMatchObject({ state: 'done', beginsAgain: true, sum: { sha256 } }), { timeout: 10_000 });
    expect(cdi.tunnels).toBe(0);
  });

  it('goes through the API server where the proxy has no address', async () => {
    await begin(false);
    const { finished } = await upload();
    await finished;
    expect(cdi.seen).toMatchObject([{ method: 'POST', bytes: content.length, sha256 }]);
    expect(cdi.tunnels).toBeGreaterThan(0);
    expect(cdi.removed).toEqual([]);
  });

  it('takes the older endpoint where there is no other', async () => {
    await begin();
    cdi.hasAsync = false;
    const { finished } = await upload();
    await finished;
    expect(cdi.seen).toMatchObject([{ path: '/v1beta1/upload', sha256 }]);
  });

  it('takes another way where something on this one limits the size', async () => {
    await begin();
    cdi.bodyLimit = 2 ** 20;
    const { finished, notes } = await upload();
    await finished;
    expect(cdi.seen.map(({ bytes, sha256: sum }) => ({ whole: bytes === content.length && sum === sha256 }))).toEqual([{ whole: false }, { whole: true }]);
    expect(cdi.tunnels).toBeGreaterThan(0);
    expect([...notes]).toEqual([expect.stringContaining('takes no requests of this size. Another way is tried.')]);
  });

  it('gets a new token when the one it has is too old', async () => {
    await begin();
    cdi.passed = 0;
    const before = cdi.api.answer;
    cdi.api.answer = (request) => {
      const answer = before(request);
      // Six minutes go by between the first token and its use.
      if (request.path.endsWith('/uploadtokenrequests') && cdi.passed === 0) cdi.passed = 360_000;
      return answer;
    };
    const { finished, view } = await upload();
    await finished;
    expect(cdi.seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer token-1', 'Bearer token-2']);
    expect(cdi.seen.at(-1)).toMatchObject({ bytes: content.length, sha256 });
    expect(view()?.state).toBe('done');
  });

  it('begins again when the line is cut, and says why', async () => {
    await begin();
    cdi.mischief = [{ cutAfter: 8 * 2 ** 20 }, { cutAfter: 4 * 2 ** 20 }];
    const { finished, view, notes } = await upload();
    await finished;
    expect(cdi.seen).toHaveLength(3);
    expect(cdi.seen.at(-1)).toMatchObject({ bytes: content.length, sha256 });
    expect(view()).toMatchObject({ state: 'done', sentBytes: content.length });
    expect([...notes]).toEqual([expect.stringMatching(/was lost\. This cluster cannot go on in the middle/)]);
    // Each try has a token of its own.
    expect(new Set(cdi.seen.map(({ headers }) => headers.authorization)).size).toBe(3);
  });

  it('gives up at some time, says so, and leaves nothing', async () => {
    await begin();
    cdi.mischief = Array.from({ length: 9 }, () => ({ cutAfter: 2 ** 20 }));
    const { finished, view } = await upload();
    await expect(finished).rejects.toMatchObject({ code: 'connection-lost' });
    expect(view()?.error?.message).toContain('All of it was sent 4 times');
    expect(cdi.seen).toHaveLength(4);
    expect(cdi.removed).toEqual(['disk']);
  });

  it('waits while the proxy says that the volume is not ready', async () => {
    await begin();
    cdi.firstPhase = 'UploadScheduled';
    cdi.mischief = [{ status: 503, body: 'timed out waiting for the condition' }, { status: 503, body: '' }];
    const { finished, view } = await upload();
    await vi.waitFor(() => expect(cdi.made).toHaveLength(1));
    expect(cdi.seen).toEqual([]);
    cdi.phase('disk', 'UploadReady');
    await finished;
    expect(cdi.seen).toHaveLength(3);
    expect(view()?.state).toBe('done');
  });

  it.each([
    [{ status: 400, body: 'Unable to process data: effective image size is larger than the reported available storage' }, 'no-space', 'does not fit'],
    [{ status: 400, body: 'Unable to convert: Image type qcow2 has a backing file' }, 'not-an-image', 'backing file'],
    [{ status: 500, body: 'Saving stream failed: write /data/disk.img: no space left on device' }, 'no-space', 'no space left'],
    [{ status: 503, body: "PVC disk isn't an upload target" }, 'conflict', 'upload target'],
  ])('that is answered %j ends with the reason, and leaves nothing', async (mischief, code, words) => {
    await begin();
    cdi.mischief = [mischief];
    const { finished, view } = await upload();
    await expect(finished).rejects.toMatchObject({ code });
    expect(view()?.error?.message).toContain(words);
    expect(cdi.seen).toHaveLength(1);
    expect(cdi.removed).toEqual(['disk']);
  });

  it('is done where only the answer was lost', async () => {
    await begin();
    cdi.mischief = [{ cutAfter: content.length }];
    const { finished } = await upload();
    await vi.waitFor(() => expect(cdi.seen[0]?.bytes).toBe(content.length), { timeout: 20_000 });
    cdi.phase('disk', 'Succeeded');
    await finished;
    expect(cdi.seen).toHaveLength(1);
  });

  it('is as true as a slow disk lets it be', async () => {
    await begin();
    cdi.diskRate = 16 * 2 ** 20;
    const { finished, view } = await upload();
    await vi.waitFor(() => expect(cdi.seen[0]?.bytes).toBeGreaterThan(8 * 2 ** 20), { timeout: 20_000, interval: 10 });
    // What is on its way in sockets is not at the far side yet.
    expect(view()?.sentBytes).toBeGreaterThan(4 * 2 ** 20);
    await finished;
    expect(cdi.seen[0]).toMatchObject({ sha256 });
  });

  it('fails with the cluster’s own words when the volume fails', async () => {
    await begin();
    cdi.firstPhase = 'UploadScheduled';
    const { finished } = await upload();
    await vi.waitFor(() => expect(cdi.made).toHaveLength(1));
    cdi.phase('disk', 'Failed', 'no class for it');
    await expect(finished).rejects.toMatchObject({ message: 'no class for it' });
    expect(cdi.removed).toEqual(['disk']);
  });
});

/** Uploading a 1 GiB image through the app, to the last check and sync, against `curl -T` into nginx's WebDAV. */
import { execFile } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Upload } from '../../shared/contract/images.ts';
import { startApp } from '../rig/app.ts';
import { connectApp } from '../rig/app-channel.ts';
import { until } from '../rig/until.ts';
import { median, type Measurement } from './measurement.ts';
import { startNginx } from './peers.ts';
import { warmMemory } from './warm-memory.ts';

const sizeMiB = 1024;
const runs = 5;

export async function upload(): Promise<Measurement[]> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-upload-'));
  const file = join(folder, 'disk.img');
  writeImage(file);
  const app = await startApp();
  const nginx = await startNginx();
  try {
    const { client, close } = await connectApp(app.url);
    await until('the engine', async () => (await (await app.engine()).api('GET', '/readyz')).status === 200);
    const uploads = new Map<string, Upload>();
    client.subscribe('uploads', {}, {
      onSnapshot: (items) => items.forEach((item) => uploads.set(item.id, item)),
      onChanges: (items) => items.forEach((item) => uploads.set(item.id, item)),
      // The connection's end, when all is measured.
      onError: () => undefined,
    });
    const ours: number[] = [];
    const peer: number[] = [];
    for (let run = 0; run < runs; run++) {
      const target = { clusterId: 'local', namespace: 'default', name: '' };
      warmMemory(folder, 2 * sizeMiB);
      const begun = performance.now();
      const { uploadId } = await client.call('images.uploadFile', { ...target, fileName: `disk-${run}.img`, path: file });
      const done = await until('the upload', () => ended(uploads.get(uploadId)));
      ours.push(sizeMiB / ((performance.now() - begun) / 1000));
      if (done.state !== 'done') throw new Error(done.error?.message ?? done.state);
      await client.call('images.delete', { ...target, name: done.name });
      warmMemory(folder, 2 * sizeMiB);
      peer.push(await withCurl(file, `http://127.0.0.1:${nginx.port}/disk-${run}.img`));
      rmSync(join(nginx.folder, 'files', `disk-${run}.img`));
    }
    close();
    return [
      {
        name: 'Upload of a 1 GiB image',
        unit: 'MiB/s',
        ours: median(ours),
        peer: median(peer),
        peerName: 'curl -T to nginx',
        goal: { kind: 'at least', ratio: 0.9 },
        runs,
        note: 'Ours is checked and synced to disk; nginx’s is neither. An engine on the same computer reads the file itself.',
      },
    ];
  } finally {
    await nginx.stop();
    await app.destroy();
    rmSync(folder, { recursive: true, force: true });
  }
}

function ended(item: Upload | undefined): Upload | undefined {
  return item && ['done', 'failed', 'cancelled'].includes(item.state) ? item : undefined;
}

async function withCurl(file: string, url: string): Promise<number> {
  const begun = performance.now();
  await promisify(execFile)('curl', ['--silent', '--show-error', '--fail', '--upload-file', file, url]);
  return sizeMiB / ((performance.now() - begun) / 1000);
}

/** Random contents, so that nothing on the way can make them smaller, behind a boot sector's signature. */
function writeImage(path: string): void {
  const chunk = Buffer.alloc(2 ** 20);
  const descriptor = openSync(path, 'w');
  for (let part = 0; part < sizeMiB; part++) {
    randomFillSync(chunk);
    if (part === 0) chunk.writeUInt16LE(0xaa55, 510);
    writeSync(descriptor, chunk);
  }
  closeSync(descriptor);
}

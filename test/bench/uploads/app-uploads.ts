/** The app with an engine, and uploads through it, timed; for the measurements of uploads. */
import { randomFillSync } from 'node:crypto';
import { closeSync, copyFileSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { ChannelClient } from '../../../shared/channel/types.ts';
import type { Upload } from '../../../shared/contract/images.ts';
import { startApp, type RigApp } from '../../rig/app.ts';
import { connectApp } from '../../rig/app-channel.ts';
import { until } from '../../rig/until.ts';

const mebibyte = 2 ** 20;
const longestMs = 300_000;

export interface UploadingApp {
  app: RigApp;
  client: ChannelClient;
  /** Uploads a file, from the call to the checked image, and deletes that. @returns milliseconds */
  upload(path: string, fileName: string, clusterId?: string): Promise<number>;
  destroy(): Promise<void>;
}

/** @param overTls whether the engine is in the app a second time, by its address: bytes then go through the app (`away`) */
export async function startUploadingApp(overTls = false): Promise<UploadingApp> {
  let app = await startApp();
  await until('the engine', async () => (await (await app.engine()).api('GET', '/readyz')).status === 200);
  if (overTls) {
    const first = app;
    const { dataDir } = first;
    mkdirSync(join(dataDir, 'clusters'), { recursive: true });
    copyFileSync(join(dataDir, 'engine', 'kubeconfig'), join(dataDir, 'clusters', 'away.yaml'));
    await app.stop();
    const again = await startApp({ dataDir });
    app = { ...again, destroy: () => again.stop().then(() => first.destroy()) };
  }
  const { client, close } = await connectApp(app.url);
  const uploads = new Map<string, Upload>();
  const take = (items: readonly Upload[]): void => items.forEach((item) => uploads.set(item.id, item));
  // The connection's end, when all is measured.
  client.subscribe('uploads', {}, { onSnapshot: take, onChanges: take, onError: () => undefined });
  return {
    app,
    client,
    upload: async (path, fileName, clusterId = 'local') => {
      const target = { clusterId, namespace: 'default' };
      const begun = performance.now();
      const { uploadId } = await client.call('images.uploadFile', { ...target, fileName, path });
      const done = await until('the upload', () => ended(uploads.get(uploadId)), longestMs);
      const ms = performance.now() - begun;
      if (done.state !== 'done') throw new Error(done.error?.message ?? done.state);
      await client.call('images.delete', { ...target, name: done.name });
      return ms;
    },
    destroy: async () => {
      close();
      await app.destroy();
    },
  };
}

function ended(item: Upload | undefined): Upload | undefined {
  return item && ['done', 'failed', 'cancelled'].includes(item.state) ? item : undefined;
}

/** Random contents, so that nothing on the way can make them smaller, behind a boot sector's signature. */
export function writeRandomImage(path: string, sizeMiB: number): void {
  const chunk = Buffer.alloc(mebibyte);
  const descriptor = openSync(path, 'w');
  for (let part = 0; part < sizeMiB; part++) {
    randomFillSync(chunk);
    if (part === 0) chunk.writeUInt16LE(0xaa55, 510);
    writeSync(descriptor, chunk);
  }
  closeSync(descriptor);
}

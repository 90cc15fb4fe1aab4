/** What hashing takes of an upload's rate: the same upload with and without it, in turn, over the backend's own code. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileHash } from '../../../electron/backend/images/checksum/file-hash.ts';
import { fileSource } from '../../../electron/backend/images/upload-source.ts';
import { sendImage } from '../../../electron/backend/images/send.ts';
import { ApiClient } from '../../../electron/backend/clusters/api-client.ts';
import { connectEngine } from '../../rig/engine-client.ts';
import { startEngine } from '../../rig/engine.ts';
import { until } from '../../rig/until.ts';
import { median, type Measurement } from '../measurement.ts';
import { warmMemory } from '../warm-memory.ts';
import { writeRandomImage } from './app-uploads.ts';

const sizeMiB = 1024;
const runs = 6;
const volumes = '/apis/cdi.kubevirt.io/v1beta1/namespaces/default/datavolumes';

export async function hashing(): Promise<Measurement[]> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-hashing-'));
  const file = join(folder, 'disk.img');
  writeRandomImage(file, sizeMiB);
  const engine = await startEngine({ dataDir: join(folder, 'engine') });
  const connected = connectEngine(engine.kubeconfig);
  const { endpoint, ca, token } = connected;
  const api = (method: string, path: string, body?: unknown): ReturnType<typeof connected.api> => connected.api(method, path, body);
  const client = new ApiClient({ server: endpoint, ca, token });
  /** How much later than the image the sum was there, in milliseconds. */
  const later: number[] = [];
  const once = async (name: string, hashed: boolean): Promise<number> => {
    await api('POST', volumes, { apiVersion: 'cdi.kubevirt.io/v1beta1', kind: 'DataVolume', metadata: { name }, spec: { source: { upload: {} }, storage: { resources: { requests: { storage: `${sizeMiB}Mi` } } } } });
    await until(`${name} to take an upload`, async () => (await api('GET', `${volumes}/${name}`)).json<{ status?: { phase?: string } }>().status?.phase === 'UploadReady');
    const source = await fileSource(file);
    warmMemory(folder, 2 * sizeMiB);
    const begun = performance.now();
    const hash = hashed ? new FileHash(source.file) : undefined;
    await sendImage(() => Promise.resolve(client), { namespace: 'default', claim: name }, source, { signal: new AbortController().signal, progress: (bytes) => hash?.reached(bytes) });
    const sentMs = performance.now() - begun;
    await hash?.finish();
    if (hashed) later.push(performance.now() - begun - sentMs);
    const rate = sizeMiB / (sentMs / 1000);
    await api('DELETE', `${volumes}/${name}`);
    return rate;
  };
  try {
    const [ours, peer]: [number[], number[]] = [[], []];
    for (let run = 0; run < runs; run++) {
      // Whoever comes second finds what the first left: they take turns.
      const hashedFirst = run % 2 === 0;
      for (const hashed of [hashedFirst, !hashedFirst]) (hashed ? ours : peer).push(await once(`${hashed ? 'hashed' : 'plain'}-${run}`, hashed));
    }
    return [
      { name: 'Upload of 1 GiB over TLS, hashed', unit: 'MiB/s', ours: median(ours), peer: median(peer), peerName: 'the same, not hashed', goal: { kind: 'at least', ratio: 0.9 }, runs, note: `To an engine by its address, on the same computer. The sum was there ${median(later).toFixed(0)} ms after the image: an upload that is compared with a sum waits for it.` },
    ];
  } finally {
    client.close();
    await engine.program.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

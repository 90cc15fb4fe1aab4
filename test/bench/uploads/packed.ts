/** Uploading packed images through the app, to the unpacked and synced disk, against unpacking and converting them by hand. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { median, type Measurement } from '../measurement.ts';
import { warmMemory } from '../warm-memory.ts';
import { startUploadingApp, writeRandomImage } from './app-uploads.ts';

/** As full as a cloud image: what is in it, in a disk four times as large. */
const fullMiB = 384;
const diskMiB = 1536;
const runs = 3;
const run = promisify(execFile);

export async function packedUpload(): Promise<Measurement[]> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-packed-'));
  const [raw, image, out] = ['disk.img', 'disk.qcow2', 'out.raw'].map((name) => join(folder, name)) as [string, string, string];
  writeRandomImage(raw, fullMiB);
  await run('truncate', ['--size', `${diskMiB}M`, raw]);
  await run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, image]);
  const uploading = await startUploadingApp();
  try {
    const measurements: Measurement[] = [];
    for (const [ending, pack, unpack] of [['xz', 'xz -1 -k -f', 'xz -dc'], ['gz', 'gzip -1 -k -f', 'gzip -dc']] as const) {
      await run('sh', ['-c', `${pack} ${image}`]);
      const ours: number[] = [];
      const peer: number[] = [];
      for (let n = 0; n < runs; n++) {
        warmMemory(folder, 2 * diskMiB);
        ours.push((await uploading.upload(`${image}.${ending}`, `disk-${ending}-${n}.qcow2.${ending}`)) / 1000);
        warmMemory(folder, 2 * diskMiB);
        const begun = performance.now();
        // qemu-img reads no pipes: what is unpacked has to lie somewhere.
        await run('sh', ['-c', `${unpack} ${image}.${ending} > ${out}.qcow2 && qemu-img convert -f qcow2 -O raw ${out}.qcow2 ${out} && sync ${out}`]);
        peer.push((performance.now() - begun) / 1000);
        rmSync(out);
        rmSync(`${out}.qcow2`);
      }
      measurements.push({
        name: `Image packed with ${ending}, to a disk`,
        unit: 's',
        ours: median(ours),
        peer: median(peer),
        peerName: `${unpack} + qemu-img convert`,
        goal: { kind: 'at most', ratio: 1.1 },
        runs,
        note: `A qcow2 of ${diskMiB} MiB with ${fullMiB} MiB in it. Ours is the whole upload: looked into, copied, hashed, unpacked, checked, converted and synced.`,
      });
    }
    return measurements;
  } finally {
    await uploading.destroy();
    rmSync(folder, { recursive: true, force: true });
  }
}

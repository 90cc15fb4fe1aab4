/** Uploading 4 GiB through the app, hashed, checked and synced, against `curl -T` into nginx's WebDAV; and the backend's memory meanwhile. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { median, type Measurement } from '../measurement.ts';
import { startNginx } from '../peers.ts';
import { warmMemory } from '../warm-memory.ts';
import { startUploadingApp, writeRandomImage } from './app-uploads.ts';

const sizeMiB = 4096;
const runs = 3;
const lookEveryMs = 50;
const megabyte = 1e6;

export async function largeUpload(): Promise<Measurement[]> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-large-'));
  const file = join(folder, 'disk.img');
  writeRandomImage(file, sizeMiB);
  const uploading = await startUploadingApp(true);
  const nginx = await startNginx();
  try {
    const ours: number[] = [];
    const peer: number[] = [];
    for (let run = 0; run < runs; run++) {
      warmMemory(folder, 2 * sizeMiB);
      ours.push(sizeMiB / ((await uploading.upload(file, `disk-${run}.img`)) / 1000));
      warmMemory(folder, 2 * sizeMiB);
      const begun = performance.now();
      await promisify(execFile)('curl', ['--silent', '--show-error', '--fail', '--upload-file', file, `http://127.0.0.1:${nginx.port}/disk-${run}.img`]);
      peer.push(sizeMiB / ((performance.now() - begun) / 1000));
      rmSync(join(nginx.folder, 'files', `disk-${run}.img`));
    }
    const memory = watchMemory(uploading.app.program.pid);
    const through = sizeMiB / ((await uploading.upload(file, 'through.img', 'away')) / 1000);
    const seen = memory.end();
    const quarter = Math.floor(seen.length / 4);
    const [early, late] = [Math.max(...seen.slice(quarter, 2 * quarter)), Math.max(...seen.slice(3 * quarter))];
    return [
      { name: 'Upload of a 4 GiB image', unit: 'MiB/s', ours: median(ours), peer: median(peer), peerName: 'curl -T to nginx', goal: { kind: 'at least', ratio: 0.95 }, runs, note: 'Ours is hashed, checked and synced to disk; nginx’s is none of that. An engine on the same computer reads the file itself.' },
      { name: 'Backend’s memory during 4 GiB', unit: 'MB', ours: Math.max(...seen), peer: 120, peerName: 'the goal itself', goal: { kind: 'at most', ratio: 1 }, runs: 1, note: `With all bytes through the backend and TLS, hashed, ${through.toFixed(0)} MiB/s. The most in its second quarter was ${early.toFixed(0)} MB, in its last ${late.toFixed(0)} MB.` },
    ];
  } finally {
    await nginx.stop();
    await uploading.destroy();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns what was resident, in MB, at each look */
function watchMemory(pid: number): { end: () => number[] } {
  const seen: number[] = [];
  const timer = setInterval(() => {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    seen.push((Number(kilobytes) * 1024) / megabyte);
  }, lookEveryMs);
  return {
    end: () => {
      clearInterval(timer);
      return seen;
    },
  };
}

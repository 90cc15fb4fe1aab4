/**
 * What the app's backend takes with 10,000 machines of a KubeVirt cluster, each with its disk and its running instance:
 * how soon it tells of the first of them once it is there to be asked, and its memory when it knows all, while 50 of them
 * change a second, and with the page of one open.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChannelClient } from '../../shared/channel/types.ts';
import { fillRecordedStore } from '../recorded/many-machines.ts';
import { endEngine, startApp, type RigApp } from '../rig/app.ts';
import { connectApp } from '../rig/app-channel.ts';
import { startEngine, type RigEngine } from '../rig/engine.ts';
import { machineName } from '../rig/many-machines.ts';
import { MachineChanges } from './machine-changes.ts';
import { median, type Measurement } from './measurement.ts';

const count = 10_000;
const runs = 3;
const secondsOfChanges = 20;
const megabyte = 1e6;

export async function backendMemory(): Promise<Measurement[]> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-backend-'));
  const serverDir = join(folder, 'server');
  let server: RigEngine | undefined;
  try {
    await fillRecordedStore(serverDir, count);
    server = await startEngine({ dataDir: serverDir, flags: ['--api-only'] });
    const first: number[] = [];
    const all: number[] = [];
    const memory: number[] = [];
    for (let run = 0; run < runs; run++) {
      const dataDir = join(folder, `app-${run}`);
      mkdirSync(join(dataDir, 'clusters'), { recursive: true });
      copyFileSync(server.kubeconfig, join(dataDir, 'clusters', 'many.yaml'));
      const app = await startApp({ dataDir });
      try {
        const { client, close } = await connectApp(app.url);
        const times = await everyMachine(client);
        first.push(times.first);
        all.push(times.all);
        memory.push(await mostMemory(app, client, server));
        close();
      } finally {
        await app.stop();
        await endEngine(join(dataDir, 'engine'));
      }
    }
    const each = `${count} machines with a disk and a running instance each`;
    return [
      { name: 'Backend: connect to first rows', unit: 'ms', ours: median(first), peer: 1000, peerName: 'the goal itself', goal: { kind: 'at most', ratio: 1 }, runs, note: `${each}, over TLS, asked at once after the app’s start; all of them after ${median(all).toFixed(0)} ms.` },
      { name: `Backend’s memory with ${count} machines`, unit: 'MB', ours: Math.max(...memory), peer: 200, peerName: 'the goal itself', goal: { kind: 'at most', ratio: 1 }, runs, note: `${each}; the most that was resident at any time, while all were listed, while 50 changed a second, and with the images and the page of one open.` },
    ];
  } finally {
    await server?.program.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns milliseconds until the first machines were told, and until all were */
function everyMachine(client: ChannelClient): Promise<{ first: number; all: number }> {
  const begun = performance.now();
  const seen = new Set<string>();
  let first: number | undefined;
  return new Promise((resolve, reject) => {
    const told = (machines: { key: string; node?: string }[]): void => {
      if (machines.length > 0) first ??= performance.now() - begun;
      // A machine is known whole once its instance is.
      for (const { key, node } of machines) if (node !== undefined) seen.add(key);
      if (seen.size === count) resolve({ first: first ?? Number.NaN, all: performance.now() - begun });
    };
    client.subscribe('machines', {}, { onSnapshot: told, onChanges: told, onError: reject });
  });
}

async function mostMemory(app: RigApp, client: ChannelClient, server: RigEngine): Promise<number> {
  const changes = await MachineChanges.begin(server, { count, inSight: 0 });
  const page = new Promise<void>((resolve, reject) => {
    const shown = (items: unknown[]): void => {
      if (items.length > 0) resolve();
    };
    client.subscribe('machine', { clusterId: 'many', namespace: 'default', name: machineName(42) }, { onSnapshot: shown, onChanges: shown, onError: reject });
    client.subscribe('images', {}, { onSnapshot: () => undefined, onChanges: () => undefined, onError: reject });
  });
  await new Promise((resolve) => setTimeout(resolve, secondsOfChanges * 1000));
  await changes.end();
  await page;
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${app.program.pid}/status`, 'utf8'))?.[1];
  return (Number(peak) * 1024) / megabyte;
}

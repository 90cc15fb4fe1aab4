/**
 * Ten thousand objects and two hundred watchers. There is no other API server here to compare with, so lists are measured
 * against the least that can be had: a plain HTTPS server in a Node of its own that sends the same bytes from memory.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startEngine, type RigEngine } from '../rig/engine.ts';
import { startProgram, type RunningProgram } from '../rig/process.ts';
import { median, type Measurement } from './measurement.ts';

const objects = 10_000;
const pageSize = 500;
const watchers = 200;
const changes = 100;
const runs = 5;
const goalMs = 50;
const settleMs = 10_000;
const path = '/api/v1/namespaces/default/configmaps';

export async function scale(): Promise<Measurement[]> {
  const engine = await startEngine();
  const folder = mkdtempSync(join(tmpdir(), 'bench-scale-'));
  let peer: RunningProgram | undefined;
  try {
    await pause(settleMs);
    const empty = residentMiB(engine.program.pid);
    await fill(engine);
    await pause(settleMs);
    const full = residentMiB(engine.program.pid);
    const from = { ca: engine.ca, token: engine.token, agent: new Agent({ keepAlive: true, ca: engine.ca }) };
    const whole = await get(engine.endpoint, path, from);
    const first = await get(engine.endpoint, `${path}?limit=${pageSize}`, from);
    writeFileSync(join(folder, 'whole'), whole);
    writeFileSync(join(folder, 'page'), first);
    peer = startProgram(process.execPath, [join(import.meta.dirname, 'same-bytes.ts'), folder, join(engine.dataDir, 'tls')]);
    const [, endpoint = ''] = await peer.line(/^at (https:\S+)$/);
    const pages = objects / pageSize;
    const figures = { whole: { ours: [] as number[], peer: [] as number[] }, paged: { ours: [] as number[], peer: [] as number[] } };
    for (let run = 0; run < runs; run++) {
      figures.whole.ours.push(await timed(() => get(engine.endpoint, path, from)));
      figures.whole.peer.push(await timed(() => get(endpoint, '/whole', from)));
      figures.paged.ours.push(await timed(() => everyPage(engine, from)));
      figures.paged.peer.push(await timed(async () => { for (let page = 0; page < pages; page++) JSON.parse((await get(endpoint, '/page', from)).toString()); }));
    }
    from.agent.destroy();
    const delivery = await fanOut(engine);
    const peerName = 'the same bytes from memory';
    return [
      { name: `List of ${objects} objects, whole`, unit: 'ms', ours: median(figures.whole.ours), peer: median(figures.whole.peer), peerName, goal: { kind: 'at most', ratio: 4 }, runs, note: `${(whole.length / 2 ** 20).toFixed(1)} MiB over TLS; the peer does nothing but send, and so is a lower bound.` },
      { name: `The same in pages of ${pageSize}`, unit: 'ms', ours: median(figures.paged.ours), peer: median(figures.paged.peer), peerName, goal: { kind: 'at most', ratio: 4 }, runs },
      { name: `Change to ${watchers} watchers, p99`, unit: 'ms', ours: at(delivery, 0.99), peer: goalMs, peerName: 'the goal itself', goal: { kind: 'at most', ratio: 1 }, runs: delivery.length, note: `From before the change is sent until a watcher has its event; ${changes} changes; median ${at(delivery, 0.5).toFixed(1)} ms. One process is all watchers.` },
      { name: `Engine’s memory with ${objects} objects`, unit: 'MiB', ours: full, peer: empty, peerName: 'the same engine without', goal: { kind: 'at most', ratio: 1.5 }, runs: 1, note: `${settleMs / 1000} s after the last was made.` },
    ];
  } finally {
    await peer?.stop();
    rmSync(folder, { recursive: true, force: true });
    await engine.destroy();
  }
}

async function fill(engine: RigEngine): Promise<void> {
  const data = { text: 'x'.repeat(600) };
  const lane = async (from: number): Promise<void> => {
    for (let at = from; at < objects; at += 8) {
      const metadata = { name: `object-${String(at).padStart(5, '0')}`, labels: { bench: 'scale', part: String(at % 10) } };
      const { status, text } = await engine.api('POST', path, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data });
      if (status !== 201) throw new Error(text);
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, at) => lane(at)));
}

interface Access {
  ca: string;
  token: string;
  agent: Agent;
}

function get(endpoint: string, where: string, { ca, token, agent }: Access): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    request(`${endpoint}${where}`, { ca, agent, headers: { authorization: `Bearer ${token}` } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => (response.statusCode === 200 ? resolve(Buffer.concat(chunks)) : reject(new Error(Buffer.concat(chunks).toString()))));
    }).on('error', reject).end();
  });
}

async function everyPage(engine: RigEngine, access: Access): Promise<void> {
  let token = '';
  let seen = 0;
  do {
    const text = await get(engine.endpoint, `${path}?limit=${pageSize}${token === '' ? '' : `&continue=${encodeURIComponent(token)}`}`, access);
    const page = JSON.parse(text.toString()) as { metadata: { continue?: string }; items: unknown[] };
    seen += page.items.length;
    token = page.metadata.continue ?? '';
  } while (token !== '');
  if (seen !== objects) throw new Error(`${seen} objects came in pages, of ${objects}.`);
}

/** @returns milliseconds, one for each change and watcher */
async function fanOut(engine: RigEngine): Promise<number[]> {
  const took: number[] = [];
  let sentAt = 0;
  let waiting = 0;
  let everybodyHasIt: () => void = () => undefined;
  const ends: (() => void)[] = [];
  const open = (): Promise<void> => new Promise((resolve, reject) => {
    const watch = request(`${engine.endpoint}${path}?watch=true&fieldSelector=metadata.name%3Dobject-00000`, { ca: engine.ca, agent: false, headers: { authorization: `Bearer ${engine.token}` } });
    ends.push(() => watch.destroy());
    watch.on('error', reject);
    watch.on('response', (response) => {
      createInterface({ input: response }).on('error', () => undefined).on('line', (line) => {
        if (!line.includes('MODIFIED')) { resolve(); return; }
        took.push(performance.now() - sentAt);
        if (--waiting === 0) everybodyHasIt();
      });
    });
    watch.end();
  });
  for (let index = 0; index < watchers; index++) await open();
  for (let change = 0; change < changes; change++) {
    waiting = watchers;
    const all = new Promise<void>((resolve) => { everybodyHasIt = resolve; });
    sentAt = performance.now();
    await engine.api('PATCH', `${path}/object-00000`, { data: { change: String(change) } }, { 'content-type': 'application/merge-patch+json' });
    await all;
  }
  for (const end of ends) end();
  return took;
}

const at = (values: readonly number[], share: number): number => [...values].sort((a, b) => a - b)[Math.ceil(values.length * share) - 1] ?? Number.NaN;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

const residentMiB = (pid: number): number => Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Uploads through the whole app while its backend, the engine or the network between them is killed at random points: each
 * ends as an image with the file's SHA-256, or failed with a reason, and leaves nothing behind.
 */
import { createHash, randomFillSync } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { ChannelClient } from '../../../shared/channel/types.ts';
import type { Upload } from '../../../shared/contract/images.ts';
import { endEngine, enginePid, startApp, type RigApp } from '../../rig/app.ts';
import { connectApp } from '../../rig/app-channel.ts';
import { until } from '../../rig/until.ts';
import { randomFrom, type Random } from '../random.ts';
import { Line } from './line.ts';

const mebibyte = 2 ** 20;
/** Long enough for a restart of anything, on a computer that is busy. */
const patienceMs = 180_000;
const faults = ['backend', 'engine', 'cut', 'away'] as const;

export interface CampaignOptions {
  seed: number;
  rounds: number;
  sizeMiB: number;
  report: (line: string) => void;
}

export interface CampaignResult {
  done: number;
  failed: number;
}

/** What is looked at between the rounds. */
interface World {
  app: RigApp;
  client: ChannelClient;
  uploads: Map<string, Upload>;
  close: () => void;
}

/** @throws Error that says in which round what was wrong */
export async function uploadCampaign({ seed, rounds, sizeMiB, report }: CampaignOptions): Promise<CampaignResult> {
  const random = randomFrom(seed);
  const folder = mkdtempSync(join(tmpdir(), 'hayloft-uploads-'));
  const dataDir = join(folder, 'data');
  mkdirSync(dataDir);
  const file = join(folder, 'disk.img');
  const content = randomFillSync(Buffer.alloc(sizeMiB * mebibyte));
  // The signature of a boot sector makes a disk of it.
  content.writeUInt16LE(0xaa55, 510);
  writeFileSync(file, content);
  const sha256 = createHash('sha256').update(content).digest('hex');
  const engineDir = join(dataDir, 'engine');
  const line = await Line.start(() => Number(new URL(endpointOf(engineDir)).port));
  let world = await open(dataDir);
  const result = { done: 0, failed: 0 };
  try {
    await (await world.app.engine()).api('GET', '/readyz');
    await until('the cluster behind the line', () => addLine(dataDir, engineDir, line.port));
    world = await reopen(world, dataDir);
    for (let round = 0; round < rounds; round++) {
      const fault = random.pick(faults);
      const clusterId = fault === 'cut' || fault === 'away' || random.chance(0.5) ? 'line' : 'local';
      const name = `round-${round}`;
      const said = `Round ${round + 1}: ${fault}, to ${clusterId}`;
      const begun = begin(world, clusterId, `${name}.img`, file);
      await strike(random, fault, { world, engineDir, line });
      if (fault === 'backend') world = await reopen(world, dataDir);
      const ended = await begun;
      const upload = ended ?? (await outcome(world, `${name}.img`));
      const problem = await judge(world, engineDir, upload, sizeMiB * mebibyte, sha256);
      report(`${said}: ${upload?.state ?? 'never begun'}${upload?.error ? ` (${upload.error.message})` : ''}`);
      if (problem !== undefined) throw new Error(`${said}, seed ${seed}: ${problem}`);
      result[upload?.state === 'done' ? 'done' : 'failed'] += 1;
      if (upload) await world.client.call('images.dismissUpload', { uploadId: upload.id });
    }
    return result;
  } finally {
    line.refuse();
    world.close();
    await world.app.stop();
    await endEngine(engineDir);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function open(dataDir: string): Promise<World> {
  const app = await startApp({ dataDir });
  const { client, close } = await connectApp(app.url);
  const uploads = new Map<string, Upload>();
  const take = (items: readonly Upload[]): void => items.forEach((item) => uploads.set(item.id, item));
  client.subscribe('uploads', {}, { onSnapshot: take, onChanges: take, onError: () => undefined });
  const states = new Map<string, string>();
  client.subscribe('clusters', {}, {
    onSnapshot: (items) => items.forEach(({ id, state }) => states.set(id, state)),
    onChanges: (items) => items.forEach(({ id, state }) => states.set(id, state)),
    onError: () => undefined,
  });
  await until('the clusters', () => states.size > 0 && [...states.values()].every((state) => state === 'ready'), patienceMs);
  return { app, client, uploads, close };
}

async function reopen({ app, close }: World, dataDir: string): Promise<World> {
  await app.program.stop('SIGKILL');
  close();
  return open(dataDir);
}

/** A kubeconfig for the engine by way of the line. @returns whether there is an engine yet */
function addLine(dataDir: string, engineDir: string, port: number): boolean {
  const config = parse(readFileSync(join(engineDir, 'kubeconfig'), 'utf8')) as { clusters: { cluster: { server: string } }[] };
  for (const { cluster } of config.clusters) cluster.server = `https://127.0.0.1:${port}`;
  mkdirSync(join(dataDir, 'clusters'), { recursive: true });
  writeFileSync(join(dataDir, 'clusters', 'line.yaml'), stringify(config), { mode: 0o600 });
  return true;
}

const endpointOf = (engineDir: string): string =>
  (parse(readFileSync(join(engineDir, 'kubeconfig'), 'utf8')) as { clusters: { cluster: { server: string } }[] }).clusters[0]?.cluster.server ?? '';

const isOver = (upload: Upload | undefined): boolean => upload !== undefined && ['done', 'failed', 'cancelled'].includes(upload.state);
const named = ({ uploads }: World, fileName: string): Upload | undefined => [...uploads.values()].find((upload) => upload.fileName === fileName);

/** @returns how it ended; undefined when the backend was gone before that */
async function begin(world: World, clusterId: string, fileName: string, path: string): Promise<Upload | undefined> {
  try {
    await world.client.call('images.uploadFile', { clusterId, namespace: 'default', fileName, path });
  } catch {
    return undefined;
  }
  const gone = (): boolean => world.app.program.child.exitCode !== null || world.app.program.child.signalCode !== null;
  await until(`the end of ${fileName}`, () => isOver(named(world, fileName)) || gone(), patienceMs);
  const upload = named(world, fileName);
  return isOver(upload) ? upload : undefined;
}

/** @returns how it ended in a later run; undefined where nothing was written down of it */
async function outcome(world: World, fileName: string): Promise<Upload | undefined> {
  if (!named(world, fileName)) return undefined;
  await until(`the end of ${fileName} in the next run`, () => isOver(named(world, fileName)), patienceMs);
  return named(world, fileName);
}

async function strike(random: Random, fault: (typeof faults)[number], { world, engineDir, line }: { world: World; engineDir: string; line: Line }): Promise<void> {
  await pause(random.below(900));
  switch (fault) {
    case 'backend':
      world.app.program.child.kill('SIGKILL');
      return;
    case 'engine': {
      const pid = enginePid(engineDir);
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
      return;
    }
    case 'cut':
      for (let times = random.below(4, 1); times > 0; times--) {
        line.cut();
        await pause(random.below(300));
      }
      return;
    case 'away':
      line.refuse();
      await pause(random.below(3000));
      await line.mend();
  }
}

/** A moment at random is what is tested here. */
const pause = (ms: number): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, ms));

/** @returns what is wrong with how it is now; undefined when nothing is */
async function judge(world: World, engineDir: string, upload: Upload | undefined, bytes: number, sha256: string): Promise<string | undefined> {
  const engine = await world.app.engine();
  const volumes = async (): Promise<string[]> => {
    const answer = await engine.api('GET', '/apis/cdi.kubevirt.io/v1beta1/namespaces/default/datavolumes').catch(() => undefined);
    if (answer?.status !== 200) return ['?'];
    return answer.json<{ items: { metadata: { name: string; deletionTimestamp?: string } }[] }>().items.map(({ metadata }) => metadata.name);
  };
  const disks = join(engineDir, 'disks', 'default');
  const files = (): string[] => (existsSync(disks) ? readdirSync(disks) : []);
  if (upload?.state === 'done') {
    // A backend that was killed when the image was ready has no list of it any more.
    const told = world.uploads.has(upload.id) ? await until(`the sum of ${upload.fileName}`, () => world.uploads.get(upload.id)?.sum?.sha256, patienceMs) : sha256;
    if (told !== sha256) return `its sum is ${told}`;
    const [image = ''] = files().filter((name) => name.endsWith('.raw'));
    const stored = await digest(join(disks, image), bytes);
    if (stored !== sha256) return `the image has the sum ${stored}`;
    // The engine may be on its way back.
    const removed = (): Promise<boolean> => world.client.call('images.delete', { clusterId: 'local', namespace: 'default', name: upload.name }).then(() => true, () => false);
    await until(`${upload.name} to be deleted`, removed, patienceMs);
  } else if (upload && (upload.error === undefined || upload.error.code === 'internal')) {
    return `it failed without a reason: ${JSON.stringify(upload.error)}`;
  }
  try {
    await until('nothing to be left', async () => (await volumes()).length === 0 && files().length === 0, patienceMs);
  } catch {
    return `there is left: ${[...(await volumes()), ...files()].join(', ')}`;
  }
  return undefined;
}

async function digest(path: string, bytes: number): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { end: bytes - 1 }) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}

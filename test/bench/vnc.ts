/**
 * Bytes of a machine's screen on their way to the viewer, against websockify on the same socket.
 *
 * QEMU sends its screen at its own pace, tens of times a second, which no path can better. So its VNC socket is put
 * aside and a source that has no pace takes its place; and both ways end at the same viewer, which costs next to
 * nothing: what is measured is the way. Ours is the whole way that a browser's bytes take: the backend and
 * the channel, on the word of the engine. websockify has one hop, too.
 */
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { startApp, type RigApp } from '../rig/app.ts';
import { signIn } from '../rig/app-channel.ts';
import { startProgram, type RunningProgram } from '../rig/process.ts';
import { qemuProcesses } from '../rig/processes.ts';
import { until } from '../rig/until.ts';
import { openLightViewer } from './light-viewer.ts';
import { median, type Measurement } from './measurement.ts';
import { startWebsockify } from './peers.ts';

/** The first runs are not counted: programs that compile themselves as they go are slow then. */
const warmUps = 2;
const runs = 7;
const bytesPerRun = 512 * 2 ** 20;
const machine = { clusterId: 'local', namespace: 'default', name: 'bench-screen' };

export async function vnc(): Promise<Measurement[]> {
  const app = await startApp();
  try {
    const socket = await startMachine(app);
    const source = await takePlace(socket);
    const websockify = await startWebsockify(socket);
    const ours: number[] = [];
    const peer: number[] = [];
    for (let run = -warmUps; run < runs; run++) {
      const throughOurs = await rate((count) => throughApp(app.url, count));
      const throughPeer = await rate((count) => throughWebsockify(websockify.port, count));
      if (run < 0) continue;
      ours.push(throughOurs);
      peer.push(throughPeer);
    }
    await websockify.stop();
    await source.stop();
    return [
      {
        name: 'VNC bytes to the viewer',
        unit: 'MiB/s',
        ours: median(ours),
        peer: median(peer),
        peerName: 'websockify',
        goal: { kind: 'at least', ratio: 1 },
        runs,
        note: 'The whole way to the browser’s socket, through the backend and its channel; the engine stands beside it.',
      },
    ];
  } finally {
    await app.destroy();
  }
}

/** @returns the path of the running machine's VNC socket */
async function startMachine(app: RigApp): Promise<string> {
  const engine = await app.engine();
  const answer = await engine.api('POST', '/apis/kubevirt.io/v1/namespaces/default/virtualmachines', {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    metadata: { name: machine.name },
    spec: {
      runStrategy: 'Always',
      template: { spec: { domain: { memory: { guest: '64Mi' }, devices: {} } } },
    },
  });
  if (answer.status !== 201) throw new Error(answer.text);
  const path = `/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances/${machine.name}`;
  const uid = await until('the machine to run', async () => {
    const vmi = (await engine.api('GET', path)).json<{ metadata: { uid?: string }; status?: { phase?: string } }>();
    return vmi.status?.phase === 'Running' && vmi.metadata.uid;
  });
  // Its firmware would go on looking for something to boot, on one of the processors that both ways need.
  const paused = await engine.api('PUT', `/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachineinstances/${machine.name}/pause`, {});
  if (paused.status >= 300) throw new Error(paused.text);
  const argv = qemuProcesses(uid)[0]?.argv.join(' ') ?? '';
  const socket = /[^\s=,:]+vnc\.sock/.exec(argv)?.[0];
  if (socket === undefined) throw new Error(`No VNC socket in ${argv}`);
  return socket;
}

/** Listens in QEMU's place and sends each viewer as many bytes as a run takes, as fast as they go. */
async function takePlace(socket: string): Promise<RunningProgram> {
  renameSync(socket, `${socket}.qemu`);
  const program = startProgram(process.execPath, [join(import.meta.dirname, 'byte-source.ts'), socket, String(bytesPerRun)]);
  await program.line(/listening/);
  return program;
}

/** Tells how many bytes have come; `enough` when those of a run have. */
type Count = (bytes: number) => boolean;

/** What is consumed is acknowledged in steps, as the channel's own end does (`CREDIT_STEP`). */
const creditBytes = 512 * 1024;

async function throughApp(url: string, enough: Count): Promise<void> {
  const { port } = new URL(url);
  const { promise, resolve } = Promise.withResolvers<undefined>();
  let unacknowledged = 0;
  const viewer = await openLightViewer({
    port: Number(port),
    path: '/channel',
    headers: await signIn(url),
    onPayload: ({ byteLength }) => {
      unacknowledged += byteLength;
      if (enough(byteLength)) resolve(undefined);
      if (unacknowledged < creditBytes) return;
      viewer.send(JSON.stringify({ t: 'credit', id: 1, bytes: unacknowledged }));
      unacknowledged = 0;
    },
  });
  viewer.send(JSON.stringify({ t: 'open', id: 1, name: 'consoles.vnc', params: { ...machine, takeOver: true } }));
  await promise;
  viewer.close();
}

async function throughWebsockify(port: number, enough: Count): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const viewer = await openLightViewer({
    port,
    path: '/',
    headers: { 'sec-websocket-protocol': 'binary' },
    onPayload: ({ byteLength }) => {
      if (enough(byteLength)) resolve(undefined);
    },
  });
  await promise;
  viewer.close();
}

/** @returns MiB/s */
async function rate(run: (enough: Count) => Promise<void>): Promise<number> {
  const begun = performance.now();
  let seen = 0;
  await run((bytes) => (seen += bytes) >= bytesPerRun);
  return bytesPerRun / 2 ** 20 / ((performance.now() - begun) / 1000);
}

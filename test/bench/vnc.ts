/**
 * Bytes of a machine's screen on their way to the viewer, against websockify on the same socket.
 *
 * QEMU sends its screen at its own pace, tens of times a second, which no path can better. So its VNC socket is put
 * aside and a source that has no pace takes its place: what is measured is the way. Ours is the whole way that a
 * browser's bytes take: the engine's WebSocket over TLS, the backend, the channel. websockify has one hop and no
 * encryption.
 */
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import WebSocket from 'ws';
import type { ChannelClient } from '../../shared/channel/types.ts';
import { startApp, type RigApp } from '../rig/app.ts';
import { connectApp } from '../rig/app-channel.ts';
import { startProgram, type RunningProgram } from '../rig/process.ts';
import { qemuProcesses } from '../rig/processes.ts';
import { until } from '../rig/until.ts';
import { median, type Measurement } from './measurement.ts';
import { startWebsockify } from './peers.ts';

const runs = 5;
const bytesPerRun = 256 * 2 ** 20;
const machine = { clusterId: 'local', namespace: 'default', name: 'bench-screen' };

export async function vnc(): Promise<Measurement[]> {
  const app = await startApp();
  try {
    const socket = await startMachine(app);
    const source = await takePlace(socket);
    const websockify = await startWebsockify(socket);
    const channel = await connectApp(app.url);
    const ours: number[] = [];
    const peer: number[] = [];
    for (let run = 0; run < runs; run++) {
      ours.push(await rate((count) => throughApp(channel.client, count)));
      peer.push(await rate((count) => throughWebsockify(websockify.port, count)));
    }
    channel.close();
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
        note: 'The whole way to the browser’s socket: engine, backend, channel; websockify is one hop.',
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

async function throughApp(client: ChannelClient, enough: Count): Promise<void> {
  const stream = await client.open('consoles.vnc', { ...machine, takeOver: true });
  for await (const bytes of stream.chunks) if (enough(bytes.byteLength)) break;
  stream.abort();
}

async function throughWebsockify(port: number, enough: Count): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, 'binary', { perMessageDeflate: false });
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('message', (bytes: Buffer) => {
      if (enough(bytes.byteLength)) resolve();
    });
  });
  socket.terminate();
}

/** @returns MiB/s */
async function rate(run: (enough: Count) => Promise<void>): Promise<number> {
  const begun = performance.now();
  let seen = 0;
  await run((bytes) => (seen += bytes) >= bytesPerRun);
  return bytesPerRun / 2 ** 20 / ((performance.now() - begun) / 1000);
}

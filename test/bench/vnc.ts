/**
 * Bytes of a machine's screen, as fast as a viewer asks for them, against websockify on the same VNC socket.
 *
 * Ours is the whole way that a browser's bytes take: QEMU, the engine's WebSocket over TLS, the backend, the channel.
 * websockify has one hop and no encryption.
 */
import { once } from 'node:events';
import WebSocket from 'ws';
import { startApp, type RigApp } from '../rig/app.ts';
import { connectApp } from '../rig/app-channel.ts';
import { qemuProcesses } from '../rig/processes.ts';
import { viewRfb, type RfbTransport, type RfbViewer } from '../rig/rfb.ts';
import { until } from '../rig/until.ts';
import { median, type Measurement } from './measurement.ts';
import { startWebsockify } from './peers.ts';

const runs = 7;
const updatesPerRun = 100;
const machine = { clusterId: 'local', namespace: 'default', name: 'bench-screen' };

export async function vnc(): Promise<Measurement[]> {
  const app = await startApp();
  try {
    const socket = await startMachine(app);
    const websockify = await startWebsockify(socket);
    const channel = await connectApp(app.url);
    const plain = new WebSocket(`ws://127.0.0.1:${websockify.port}`, 'binary', { perMessageDeflate: false });
    await once(plain, 'open');
    const ours = await viewThroughApp(channel.client);
    const peer = await viewRfb(socketTransport(plain));
    const ourRates: number[] = [];
    const peerRates: number[] = [];
    for (let run = 0; run < runs; run++) {
      ourRates.push(await rate(ours));
      peerRates.push(await rate(peer));
    }
    plain.terminate();
    channel.close();
    await websockify.stop();
    return [
      {
        name: 'VNC bytes to the viewer',
        unit: 'MiB/s',
        ours: median(ourRates),
        peer: median(peerRates),
        peerName: 'websockify',
        goal: { kind: 'at least', ratio: 1 },
        runs,
        note: `${updatesPerRun} whole screens of ${ours.width}×${ours.height} a run, uncompressed.`,
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
  const argv = qemuProcesses(uid)[0]?.argv.join(' ') ?? '';
  const socket = /[^\s=,:]+vnc\.sock/.exec(argv)?.[0];
  if (socket === undefined) throw new Error(`No VNC socket in ${argv}`);
  return socket;
}

async function viewThroughApp(client: Awaited<ReturnType<typeof connectApp>>['client']): Promise<RfbViewer> {
  const stream = await client.open('consoles.vnc', { ...machine, takeOver: true });
  const transport: RfbTransport = { send: (bytes) => void stream.write(bytes), receive: () => undefined };
  void (async () => {
    for await (const chunk of stream.chunks) transport.receive(chunk);
  })();
  return viewRfb(transport);
}

function socketTransport(socket: WebSocket): RfbTransport {
  const transport: RfbTransport = { send: (bytes) => socket.send(bytes), receive: () => undefined };
  socket.on('message', (data: Buffer) => transport.receive(data));
  return transport;
}

async function rate(viewer: RfbViewer): Promise<number> {
  const begun = performance.now();
  let bytes = 0;
  for (let update = 0; update < updatesPerRun; update++) bytes += await viewer.fullUpdate();
  return bytes / 2 ** 20 / ((performance.now() - begun) / 1000);
}

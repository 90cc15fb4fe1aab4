/**
 * From the `start` call to a running guest, against launching the same QEMU with the same arguments by hand.
 *
 * Both sides end at the same moment of QEMU's life, when its vCPUs are let go: by hand that is QMP's answer
 * `running`; ours is the VMI's phase `Running`, which the engine takes from the same QMP answer, and so bears the
 * whole way back through the API besides.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { request } from 'node:https';
import { startEngine, type RigEngine } from '../rig/engine.ts';
import { qemuProcesses } from '../rig/processes.ts';
import { until } from '../rig/until.ts';
import { median, type Measurement } from './measurement.ts';

const machines = '/apis/kubevirt.io/v1/namespaces/default/virtualmachines';
const instances = '/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances';
const actions = '/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachines';
const runs = 9;

export async function startLatency(): Promise<Measurement[]> {
  const engine = await startEngine();
  try {
    await createMachine(engine);
    const argv = await learnArguments(engine);
    const ours: number[] = [];
    const byHand: number[] = [];
    // Taking turns lets both sides meet the same caches and the same neighbours.
    for (let run = 0; run < runs; run++) {
      ours.push(await startThroughEngine(engine));
      await stopMachine(engine);
      byHand.push(await launchByHand(argv));
    }
    return [
      {
        name: 'Start call to running guest',
        unit: 'ms',
        ours: median(ours),
        peer: median(byHand),
        peerName: 'same argv by hand',
        goal: { kind: 'at most', ratio: 1.15 },
        runs,
      },
    ];
  } finally {
    await engine.destroy();
  }
}

async function createMachine(engine: RigEngine): Promise<void> {
  const answer = await engine.api('POST', machines, {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    metadata: { name: 'bench' },
    spec: {
      runStrategy: 'Halted',
      template: {
        spec: {
          domain: {
            cpu: { cores: 1 },
            memory: { guest: '256Mi' },
            devices: { disks: [{ name: 'root', disk: { bus: 'virtio' } }], interfaces: [{ name: 'default', masquerade: {} }] },
          },
          networks: [{ name: 'default', pod: {} }],
          volumes: [{ name: 'root', dataVolume: { name: 'bench-root' } }],
        },
      },
      dataVolumeTemplates: [
        {
          metadata: { name: 'bench-root' },
          spec: { source: { blank: {} }, storage: { resources: { requests: { storage: '1Gi' } } } },
        },
      ],
    },
  });
  if (answer.status !== 201) throw new Error(answer.text);
  await until('the disk', async () => {
    const volume = await engine.api('GET', '/apis/cdi.kubevirt.io/v1beta1/namespaces/default/datavolumes/bench-root');
    return volume.json<{ status?: { phase?: string } }>().status?.phase === 'Succeeded';
  });
}

interface Launch {
  argv: string[];
  runDir: string;
}

/** Starts the machine once and reads what QEMU was started with. */
async function learnArguments(engine: RigEngine): Promise<Launch> {
  await startThroughEngine(engine);
  const vmi = (await engine.api('GET', `${instances}/bench`)).json<{ metadata: { uid: string } }>();
  const argv = qemuProcesses(vmi.metadata.uid)[0]?.argv;
  if (!argv) throw new Error('No QEMU process was found for the machine.');
  const socket = argv.join(' ').match(/[^\s=,]+qmp\.sock/)?.[0];
  if (socket === undefined) throw new Error('The machine’s QEMU has no QMP socket.');
  const runDir = mkdtempSync(join(tmpdir(), 'bench-run-'));
  cpSync(dirname(socket), runDir, { recursive: true, filter: (path) => !path.endsWith('.sock') });
  await stopMachine(engine);
  return { argv: argv.map((word) => word.replaceAll(dirname(socket), runDir)), runDir };
}

async function startThroughEngine(engine: RigEngine): Promise<number> {
  const { running } = await watchForRunning(engine);
  // Whoever starts machines has a connection already: this one is kept for the call.
  await engine.api('GET', machines);
  const begun = performance.now();
  const answer = await engine.api('PUT', `${actions}/bench/start`, {});
  if (answer.status !== 202) throw new Error(answer.text);
  await running;
  return performance.now() - begun;
}

/** Resolves once the watch is open; `running` resolves when the VMI is seen running. */
function watchForRunning(engine: RigEngine): Promise<{ running: Promise<void> }> {
  return new Promise((resolve, reject) => {
    const watch = request(`${engine.endpoint}${instances}?watch=true`, {
      ca: engine.ca,
      headers: { authorization: `Bearer ${engine.token}` },
    });
    watch.on('error', reject);
    watch.on('response', (response) => {
      const running = new Promise<void>((seen) => {
        // Ending the watch once it has shown enough breaks it off.
        const lines = createInterface({ input: response }).on('error', () => undefined);
        lines.on('line', (line) => {
          const event = JSON.parse(line) as { object: { status?: { phase?: string } } };
          if (event.object.status?.phase !== 'Running') return;
          watch.destroy();
          seen();
        });
      });
      resolve({ running });
    });
    watch.end();
  });
}

async function stopMachine(engine: RigEngine): Promise<void> {
  await engine.api('PUT', `${actions}/bench/stop`, { gracePeriod: 0 });
  await until('the guest to be gone', async () => (await engine.api('GET', `${instances}/bench`)).status === 404);
}

async function launchByHand(launch: Launch): Promise<number> {
  const begun = performance.now();
  const [command = '', ...args] = launch.argv;
  const child = spawn(command, args, { stdio: 'ignore', detached: true });
  const exited = new Promise((resolve) => child.on('exit', resolve));
  await askUntilRunning(join(launch.runDir, 'qmp.sock'));
  const took = performance.now() - begun;
  child.kill('SIGKILL');
  await exited;
  for (const name of ['qmp.sock', 'vnc.sock', 'serial.sock', 'agent.sock']) rmSync(join(launch.runDir, name), { force: true });
  return took;
}

async function askUntilRunning(path: string): Promise<void> {
  for (;;) {
    const running = await new Promise<boolean>((resolve) => {
      const socket = createConnection(path);
      socket.on('error', () => resolve(false));
      createInterface({ input: socket })
        .on('error', () => resolve(false))
        .on('line', (line) => {
          const message = JSON.parse(line) as { QMP?: unknown; return?: { status?: string } };
          if (message.QMP !== undefined) {
            socket.write('{"execute":"qmp_capabilities"}\n{"execute":"query-status"}\n');
          } else if (message.return?.status !== undefined) {
            resolve(message.return.status === 'running');
            socket.destroy();
          }
        });
    });
    if (running) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

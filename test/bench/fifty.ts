/**
 * Fifty small machines defined, started and stopped, one after the other as a person's script does it, against the same in
 * one virsh; and what the engine holds in memory with twenty of them running, against libvirtd.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { request } from 'node:https';
import { createInterface } from 'node:readline';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import { startEngine, type RigEngine } from '../rig/engine.ts';
import { smallDomain, smallMachine, startLibvirt, type Libvirt } from './libvirt.ts';
import { median, type Measurement } from './measurement.ts';

const machines = '/apis/kubevirt.io/v1/namespaces/default/virtualmachines';
const actions = '/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachines';
const count = 50;
const running = 20;
/** One is long enough: libvirt takes two minutes for it. */
const runs = 1;
const settleMs = 10_000;

export async function fifty(): Promise<Measurement[]> {
  // Both emulate: the same QEMU does the same work for both.
  const engine = await startEngine({ env: { ...process.env, HAYLOFT_ACCEL: 'tcg' } });
  const libvirt = await startLibvirt();
  try {
    const ours: number[] = [];
    const peer: number[] = [];
    // libvirt asks QEMU for all that it can do before its first domain starts; that is not counted.
    await throughLibvirt(libvirt, 1);
    await throughEngine(engine, 1);
    for (let run = 0; run < runs; run++) {
      ours.push(await throughEngine(engine, count));
      peer.push(await throughLibvirt(libvirt, count));
    }
    return [
      {
        name: 'Fifty machines made, started, stopped',
        unit: 's',
        ours: median(ours),
        peer: median(peer),
        peerName: 'one virsh',
        goal: { kind: 'at most', ratio: 1 },
        runs,
      },
      ...(await memory(engine, libvirt)),
    ];
  } finally {
    await libvirt.stop();
    await engine.destroy();
  }
}

async function throughEngine(engine: RigEngine, many: number): Promise<number> {
  const states = await follow(engine);
  const begun = performance.now();
  for (let index = 0; index < many; index++) {
    const name = `fifty-${index}`;
    const made = await engine.api('POST', machines, smallMachine(name));
    if (made.status !== 201) throw new Error(made.text);
    await start(engine, states, name);
    await engine.api('PUT', `${actions}/${name}/stop`, { gracePeriod: 0 });
    await states.reaches(name, 'Stopped');
  }
  const took = (performance.now() - begun) / 1000;
  states.stop();
  await engine.removeMachines();
  return took;
}

async function start(engine: RigEngine, states: States, name: string): Promise<void> {
  const answer = await engine.api('PUT', `${actions}/${name}/start`, {});
  if (answer.status !== 202) throw new Error(answer.text);
  await states.reaches(name, 'Running');
}

async function throughLibvirt(libvirt: Libvirt, many: number): Promise<number> {
  const names = Array.from({ length: many }, (_, index) => `fifty-${index}`);
  for (const name of names) writeFileSync(join(libvirt.folder, `${name}.xml`), smallDomain(name));
  const begun = performance.now();
  await libvirt.virsh(names.flatMap((name) => [`define ${join(libvirt.folder, name)}.xml`, `start ${name}`, `destroy ${name}`]));
  const took = (performance.now() - begun) / 1000;
  await libvirt.virsh(names.map((name) => `undefine ${name}`));
  return took;
}

async function memory(engine: RigEngine, libvirt: Libvirt): Promise<Measurement[]> {
  const names = Array.from({ length: running }, (_, index) => `small-${index}`);
  const row = (name: string): Measurement => ({
    name,
    unit: 'MiB',
    ours: residentMiB(engine.program.pid),
    peer: residentMiB(libvirt.pid),
    peerName: 'libvirtd',
    goal: { kind: 'at most', ratio: 80 / residentMiB(libvirt.pid) },
    runs: 1,
    note: 'The goal is 80 MB of resident memory; guests not counted on either side.',
  });
  const states = await follow(engine);
  for (const name of names) {
    await engine.api('POST', machines, smallMachine(name));
    await start(engine, states, name);
  }
  states.stop();
  for (const name of names) writeFileSync(join(libvirt.folder, `${name}.xml`), smallDomain(name));
  await libvirt.virsh(names.flatMap((name) => [`define ${join(libvirt.folder, name)}.xml`, `start ${name}`]));
  await new Promise((resolve) => setTimeout(resolve, settleMs));
  return [row(`Engine’s memory with ${running} machines`)];
}

function residentMiB(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

interface States {
  reaches(name: string, status: string): Promise<void>;
  stop(): void;
}

/** Follows what machines show, over a watch. */
function follow(engine: RigEngine): Promise<States> {
  const shown = new Map<string, string>();
  const waiting = new Set<() => void>();
  return new Promise((resolve, reject) => {
    const watch = request(`${engine.endpoint}${machines}?watch=true`, { ca: engine.ca, headers: { authorization: `Bearer ${engine.token}` } });
    watch.on('error', reject);
    watch.on('response', (response) => {
      const lines = createInterface({ input: response }).on('error', () => undefined);
      lines.on('line', (line) => {
        const { object } = JSON.parse(line) as { object: VirtualMachine };
        shown.set(object.metadata.name ?? '', object.status?.printableStatus ?? '');
        for (const look of waiting) look();
      });
      resolve({
        reaches: (name, status) =>
          new Promise((done) => {
            const look = (): void => {
              if (shown.get(name) !== status) return;
              waiting.delete(look);
              done();
            };
            waiting.add(look);
            look();
          }),
        stop: () => watch.destroy(),
      });
    });
    watch.end();
  });
}

/**
 * Snapshots of a running machine with a disk of 10 GiB, against virsh's external ones of the same guest; and its clone while
 * it is off, against a copy of the disk's file.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEngine, type RigEngine } from '../rig/engine.ts';
import { until } from '../rig/until.ts';
import { smallDomain, smallMachine, startLibvirt, type Libvirt } from './libvirt.ts';
import { median, type Measurement } from './measurement.ts';

const api = { machines: 'kubevirt.io/v1', snapshots: 'snapshot.kubevirt.io/v1beta1', clones: 'clone.kubevirt.io/v1beta1' };
const path = (version: string, plural: string, name = ''): string => `/apis/${version}/namespaces/default/${plural}${name === '' ? '' : `/${name}`}`;
const source = { apiGroup: 'kubevirt.io', kind: 'VirtualMachine', name: 'bench-ten' };
const many = 2;
const runs = 2;
const writtenMiB = 1024;
const pollMs = 2;

export async function snapshots(): Promise<Measurement[]> {
  const engine = await startEngine({ env: { ...process.env, HAYLOFT_ACCEL: 'tcg' } });
  const libvirt = await startLibvirt();
  const folder = mkdtempSync(join(tmpdir(), 'bench-snapshots-'));
  try {
    const disk = await makeMachine(engine);
    const copy = join(folder, 'copied.qcow2');
    const cloned: number[] = [];
    const copied: number[] = [];
    // The first of each is not counted: it reads the file from the host's disk, and loads what is needed.
    for (let run = 0; run <= runs; run++) {
      const ours = await clone(engine, run);
      const theirs = timed(() => execFileSync('cp', ['--reflink=auto', disk, copy]));
      if (run === 0) continue;
      cloned.push(ours);
      copied.push(theirs);
    }
    await engine.api('PUT', path('subresources.kubevirt.io/v1', 'virtualmachines', 'bench-ten/start'), {});
    await until('the machine to run', async () => (await engine.api('GET', path(api.machines, 'virtualmachines', 'bench-ten'))).json<{ status?: { ready?: boolean } }>().status?.ready === true);
    await startDomain(libvirt, copy);
    const taken: number[] = [];
    const theirs: number[] = [];
    for (let run = 0; run <= runs; run++) {
      const ours = await take(engine, run);
      const peer = await takeByVirsh(libvirt, run);
      if (run === 0) continue;
      taken.push(ours);
      theirs.push(peer);
    }
    return [
      {
        name: 'Snapshot of a running machine with 10 GiB',
        ...{ unit: 'ms', ours: median(taken), peer: median(theirs), peerName: 'virsh snapshot-create-as', runs },
        goal: { kind: 'at most', ratio: 1 },
        note: `Each is the mean of ${many}, one after the other; virsh’s are disk-only, external ones, all by one virsh.`,
      },
      {
        name: 'Clone of a machine with 10 GiB',
        ...{ unit: 'ms', ours: median(cloned), peer: median(copied), peerName: 'cp --reflink=auto of its disk', runs },
        goal: { kind: 'at most', ratio: 1 },
        note: `${writtenMiB} MiB of the disk are written. The engine’s clone is a machine that can start, and shares what it has in common with its source.`,
      },
    ];
  } finally {
    await libvirt.stop();
    await engine.destroy();
    rmSync(folder, { recursive: true, force: true });
  }
}

function timed(work: () => void): number {
  const begun = performance.now();
  work();
  return performance.now() - begun;
}

/** @returns the path of the machine's disk, some of which is written */
async function makeMachine(engine: RigEngine): Promise<string> {
  const machine = smallMachine('bench-ten') as { spec: { dataVolumeTemplates?: object[]; template: { spec: { domain: { devices: object }; volumes?: object[] } } } };
  machine.spec.dataVolumeTemplates = [{ metadata: { name: 'ten' }, spec: { source: { blank: {} }, storage: { resources: { requests: { storage: '10Gi' } } } } }];
  Object.assign(machine.spec.template.spec.domain.devices, { disks: [{ name: 'root', disk: { bus: 'virtio' } }] });
  machine.spec.template.spec.volumes = [{ name: 'root', dataVolume: { name: 'ten' } }];
  const made = await engine.api('POST', path(api.machines, 'virtualmachines'), machine);
  if (made.status !== 201) throw new Error(made.text);
  const phase = async (): Promise<string | undefined> =>
    (await engine.api('GET', path('cdi.kubevirt.io/v1beta1', 'datavolumes', 'ten'))).json<{ status?: { phase?: string } }>().status?.phase;
  await until('the disk', async () => (await phase()) === 'Succeeded');
  const files = join(engine.dataDir, 'disks', 'default');
  const disk = join(files, readdirSync(files).find((name) => name.endsWith('.qcow2')) ?? '');
  execFileSync('qemu-io', ['-f', 'qcow2', '-c', `write -P 7 0 ${writtenMiB}M`, disk], { stdio: 'pipe' });
  return disk;
}

async function reached(engine: RigEngine, at: string, test: (status: { phase?: string; readyToUse?: boolean }) => boolean): Promise<void> {
  for (;;) {
    const { status = {} } = (await engine.api('GET', at)).json<{ status?: { phase?: string; readyToUse?: boolean } }>();
    if (test(status)) return;
    if (status.phase === 'Failed') throw new Error(`${at} failed.`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

async function clone(engine: RigEngine, run: number): Promise<number> {
  const name = `bench-clone-${run}`;
  const begun = performance.now();
  const spec = { source, target: { ...source, name } };
  await engine.api('POST', path(api.clones, 'virtualmachineclones'), { apiVersion: api.clones, kind: 'VirtualMachineClone', metadata: { name }, spec });
  await reached(engine, path(api.clones, 'virtualmachineclones', name), ({ phase }) => phase === 'Succeeded');
  return performance.now() - begun;
}

async function take(engine: RigEngine, run: number): Promise<number> {
  const begun = performance.now();
  for (let index = 0; index < many; index++) {
    const name = `bench-${run}-${index}`;
    await engine.api('POST', path(api.snapshots, 'virtualmachinesnapshots'), { apiVersion: api.snapshots, kind: 'VirtualMachineSnapshot', metadata: { name }, spec: { source } });
    await reached(engine, path(api.snapshots, 'virtualmachinesnapshots', name), ({ readyToUse }) => readyToUse === true);
  }
  return (performance.now() - begun) / many;
}

async function startDomain(libvirt: Libvirt, disk: string): Promise<void> {
  const folder = join(libvirt.folder, 'images');
  mkdirSync(folder, { mode: 0o777 });
  chmodSync(folder, 0o777);
  const image = join(folder, 'ten.qcow2');
  copyFileSync(disk, image);
  chmodSync(image, 0o666);
  const element = `<disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='none'/><source file='${image}'/><target dev='vda' bus='virtio'/></disk>`;
  const xml = join(libvirt.folder, 'ten.xml');
  writeFileSync(xml, smallDomain('ten').replace('</devices>', `${element}</devices>`));
  await libvirt.virsh([`define ${xml}`, 'start ten']);
}

async function takeByVirsh(libvirt: Libvirt, run: number): Promise<number> {
  const begun = performance.now();
  await libvirt.virsh(Array.from({ length: many }, (_, index) => `snapshot-create-as ten s${run}-${index} --disk-only --atomic`));
  return (performance.now() - begun) / many;
}

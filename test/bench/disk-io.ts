/**
 * Random I/O inside a guest: the same guest with the same disks, once run by the engine and once by libvirt, each with
 * its own defaults for a virtio disk in a qcow2 file.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, closeSync, copyFileSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEngine, type RigEngine } from '../rig/engine.ts';
import { logIn, openGuestShell, type GuestShell } from '../rig/guest-shell.ts';
import { rawImage } from '../rig/images/bad-images.ts';
import { rigImage } from '../rig/images/rig-image.ts';
import { until } from '../rig/until.ts';
import { uploadImage } from '../rig/upload.ts';
import { startLibvirt, type Libvirt } from './libvirt.ts';
import { median, type Measurement } from './measurement.ts';

const runs = 5;
const seconds = 6;
const mebibyte = 2 ** 20;
const dataMiB = 512;

export async function diskIo(): Promise<Measurement[]> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-disk-io-'));
  const disks = makeDisks(folder);
  const engine = await startEngine();
  const libvirt = await startLibvirt();
  try {
    const ours = await inEngine(engine, disks);
    const theirs = await inLibvirt(libvirt, disks, join(folder, 'libvirt'));
    const results: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] };
    for (let run = 0; run < runs; run++) {
      results.ours.push(await measure(ours));
      results.theirs.push(await measure(theirs));
    }
    ours.close();
    theirs.close();
    return [
      {
        name: 'Random I/O inside a guest (4 KiB, 70 % reads)',
        unit: 'IOPS',
        ours: median(results.ours),
        peer: median(results.theirs),
        peerName: 'the same QEMU by libvirt',
        goal: { kind: 'at least', ratio: 1 },
        runs,
        note: 'Both guests run at once and take turns; a virtio disk in a qcow2 file, past the guest’s cache.',
      },
    ];
  } finally {
    await engine.destroy();
    await libvirt.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(shell: GuestShell): Promise<number> {
  return Number(await shell.run(`/tmp/random-io /dev/vdb ${seconds}`, (seconds + 60) * 1000));
}

interface Disks {
  root: string;
  data: string;
  /** A disk that has the program from its second mebibyte on. */
  tool: string;
}

function makeDisks(folder: string): Disks {
  const program = join(folder, 'random-io');
  execFileSync('gcc', ['-O2', '-static', '-s', '-pthread', '-o', program, join(import.meta.dirname, 'random-io.c')]);
  // Behind the boot sector by which a file is known as a disk, in whole mebibytes.
  const content = readFileSync(program);
  const tool = rawImage(folder, Math.ceil(content.length / mebibyte + 1) * mebibyte);
  const file = openSync(tool, 'r+');
  writeSync(file, content, 0, content.length, mebibyte);
  closeSync(file);
  const disks = { root: rigImage('shell-disk'), data: join(folder, 'data.qcow2'), tool };
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', disks.data, `${dataMiB}M`]);
  // Written once: what is measured is the way to the data, not its being laid out.
  execFileSync('qemu-io', ['-f', 'qcow2', '-c', `write -P 7 0 ${dataMiB}M`, disks.data]);
  return disks;
}

const takeTool = 'dd if=/dev/vdc of=/tmp/random-io bs=1M skip=1 2>/dev/null && chmod +x /tmp/random-io';

async function inEngine(engine: RigEngine, disks: Disks): Promise<GuestShell> {
  await uploadImage(engine, 'root', disks.root, '64Mi');
  await uploadImage(engine, 'data', disks.data, `${dataMiB}Mi`);
  await uploadImage(engine, 'tool', disks.tool, '8Mi');
  const names = ['root', 'data', 'tool'];
  const answer = await engine.api('POST', '/apis/kubevirt.io/v1/namespaces/default/virtualmachines', {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    metadata: { name: 'bench-io' },
    spec: {
      runStrategy: 'Always',
      template: {
        spec: {
          domain: { memory: { guest: '256Mi' }, devices: { disks: names.map((name) => ({ name, disk: { bus: 'virtio' } })), autoattachPodInterface: false } },
          volumes: names.map((name) => ({ name, dataVolume: { name } })),
        },
      },
    },
  });
  if (answer.status !== 201) throw new Error(answer.text);
  await until('the machine', async () => {
    const vmi = await engine.api('GET', '/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances/bench-io');
    return vmi.json<{ status?: { phase?: string } }>().status?.phase === 'Running';
  });
  const shell = await openGuestShell(engine, 'bench-io');
  await shell.run(takeTool);
  return shell;
}

async function inLibvirt(libvirt: Libvirt, disks: Disks, folder: string): Promise<GuestShell> {
  // libvirt runs QEMU as a user of its own.
  mkdirSync(folder);
  chmodSync(join(folder, '..'), 0o755);
  chmodSync(folder, 0o777);
  const line = join(folder, 'serial.sock');
  const copies = Object.entries(disks).map(([name, path]: [string, string], index) => {
    const copy = join(folder, name);
    copyFileSync(path, copy);
    return `<disk type='file' device='disk'><driver name='qemu' type='${name === 'tool' ? 'raw' : 'qcow2'}' discard='unmap'/>
      <source file='${copy}'/><target dev='vd${'abc'.charAt(index)}' bus='virtio'/></disk>`;
  });
  const xml = join(folder, 'domain.xml');
  writeFileSync(
    xml,
    `<domain type='qemu'>
      <name>bench-io</name>
      <memory unit='MiB'>256</memory>
      <vcpu>1</vcpu>
      <os><type arch='x86_64' machine='q35'>hvm</type></os>
      <features><acpi/></features>
      <cpu mode='maximum'/>
      <devices>
        <emulator>/usr/bin/qemu-system-x86_64</emulator>
        ${copies.join('\n')}
        <serial type='unix'><source mode='bind' path='${line}'/></serial>
        <video><model type='vga'/></video>
        <memballoon model='virtio'/>
      </devices>
      <seclabel type='none'/>
    </domain>`,
  );
  await libvirt.virsh([`create ${xml}`]);
  const socket = createConnection(line);
  let screen = '';
  socket.on('data', (bytes) => (screen += bytes.toString('latin1')));
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  const shell = await logIn({ screen: () => screen, send: (text) => void socket.write(text), close: () => void socket.destroy() }, 'libvirt’s guest');
  await shell.run(takeTool);
  return shell;
}

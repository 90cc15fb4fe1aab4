/** What the engine costs when nothing happens: memory against libvirtd on the same machine, and processor time. */
import { readFileSync } from 'node:fs';
import { startEngine } from '../rig/engine.ts';
import { startLibvirt } from './libvirt.ts';
import type { Measurement } from './measurement.ts';

const settleMs = 10_000;
const windowMs = 20_000;
/** `USER_HZ`: what /proc counts processor time in, on every Linux that Node runs on. */
const ticksPerSecond = 100;

export async function idle(): Promise<Measurement[]> {
  const engine = await startEngine();
  const libvirt = await startLibvirt();
  try {
    await pause(settleMs);
    const before = ticks(engine.program.pid);
    await pause(windowMs);
    const percent = ((ticks(engine.program.pid) - before) / ticksPerSecond / (windowMs / 1000)) * 100;
    return [
      {
        name: 'Engine’s idle memory',
        unit: 'MiB',
        ours: residentMiB(engine.program.pid),
        peer: residentMiB(libvirt.pid),
        peerName: 'libvirtd',
        goal: { kind: 'at most', ratio: 80 / residentMiB(libvirt.pid) },
        runs: 1,
        note: 'The goal is 80 MB of resident memory.',
      },
      {
        name: 'Engine’s idle processor use',
        unit: '%',
        ours: percent,
        peer: 0.5,
        peerName: 'the goal itself',
        goal: { kind: 'at most', ratio: 1 },
        runs: 1,
        note: `Of one core, over ${windowMs / 1000} s.`,
      },
    ];
  } finally {
    await libvirt.stop();
    await engine.destroy();
  }
}

function residentMiB(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match?.[1]) / 1024;
}

/** Processor time in ticks, user and system (fields 14 and 15 of proc(5)'s stat). */
function ticks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

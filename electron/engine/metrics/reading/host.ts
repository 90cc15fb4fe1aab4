/** What this computer does as a whole. Where there is no /proc, what Node knows of it; what nobody tells stays undefined. */
import { cpus, freemem, totalmem } from 'node:os';
import { textOf } from './process.ts';

const ticksPerSecond = 100;
/** The kernel counts transfers of disks in these, whatever their own sectors are. */
const sectorBytes = 512;

/** Seconds that all processors together spent in each state since the host began. */
export type CpuTimes = Record<'user' | 'nice' | 'system' | 'idle' | 'iowait' | 'irq' | 'softirq' | 'steal', number>;

export interface Traffic {
  inBytes: number;
  outBytes: number;
}

export interface HostFigures {
  /** `performance.now()`. */
  at: number;
  cpu: CpuTimes;
  cores: number;
  memoryBytes: number;
  memoryAvailableBytes: number;
  /** Read and written, by disk. */
  disks: ReadonlyMap<string, Traffic> | undefined;
  /** Received and sent, by network card. */
  cards: ReadonlyMap<string, Traffic> | undefined;
}

const modes = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal'] as const;

/** @param text of `/proc/stat` */
export function parseCpu(text: string): CpuTimes | undefined {
  const line = /^cpu +(.*)$/m.exec(text)?.[1];
  return line === undefined ? undefined : timesIn(line);
}

/** Each processor for itself. @param text of `/proc/stat` */
export const parseEachCpu = (text: string): CpuTimes[] => [...text.matchAll(/^cpu\d+ +(.*)$/gm)].map(([, line = '']) => timesIn(line));

function timesIn(line: string): CpuTimes {
  const fields = line.split(' ').map((field) => Number(field) / ticksPerSecond);
  return Object.fromEntries(modes.map((mode, index) => [mode, fields[index] ?? 0])) as CpuTimes;
}

/**
 * Whole disks only, and those that hold something themselves: a transfer through a mapper or a RAID is counted once, at
 * the disk that it ends on.
 * @param text of `/proc/diskstats`
 */
export function parseDisks(text: string): Map<string, Traffic> {
  const found = new Map<string, Traffic>();
  for (const line of text.split('\n')) {
    const [, , name, , , read, , , , written] = line.trim().split(/\s+/);
    if (name === undefined || !isWholeDisk(name)) continue;
    found.set(name, { inBytes: Number(read) * sectorBytes, outBytes: Number(written) * sectorBytes });
  }
  return found;
}

const isWholeDisk = (name: string): boolean => /^([shv]d[a-z]+|xvd[a-z]+|nvme\d+n\d+|mmcblk\d+)$/.test(name);

/**
 * Without the loopback, and without cards whose traffic passes another one as well (bridges, taps, tunnels, containers).
 * @param text of `/proc/net/dev`
 */
export function parseCards(text: string): Map<string, Traffic> {
  const found = new Map<string, Traffic>();
  for (const line of text.split('\n').slice(2)) {
    const [name = '', figures = ''] = line.split(':');
    const fields = figures.trim().split(/\s+/);
    if (!/^\s*(en|eth|wl|ww|ib)/.test(name)) continue;
    found.set(name.trim(), { inBytes: Number(fields[0]), outBytes: Number(fields[8]) });
  }
  return found;
}

/** Asked once, for Node reads a file of each processor for it. */
let cores: number | undefined;

export function readHostFigures(): HostFigures {
  const stat = textOf('/proc/stat');
  const disks = textOf('/proc/diskstats');
  const cards = textOf('/proc/net/dev');
  return {
    at: performance.now(),
    cpu: (stat === undefined ? undefined : parseCpu(stat)) ?? fromNode(),
    cores: (cores ??= cpus().length),
    memoryBytes: totalmem(),
    memoryAvailableBytes: freemem(),
    disks: disks === undefined ? undefined : parseDisks(disks),
    cards: cards === undefined ? undefined : parseCards(cards),
  };
}

function fromNode(): CpuTimes {
  const all = cpus();
  const sum = (mode: 'user' | 'nice' | 'sys' | 'idle' | 'irq'): number => all.reduce((total, { times }) => total + times[mode], 0) / 1000;
  return { user: sum('user'), nice: sum('nice'), system: sum('sys'), idle: sum('idle'), iowait: 0, irq: sum('irq'), softirq: 0, steal: 0 };
}

/** Seconds in which a processor worked. */
export const busySeconds = ({ user, nice, system, irq, softirq, steal }: CpuTimes): number => user + nice + system + irq + softirq + steal;

/** Everything that passed, together. */
export function totalOf(parts: ReadonlyMap<string, Traffic> | undefined): Traffic | undefined {
  if (parts === undefined) return undefined;
  const total = { inBytes: 0, outBytes: 0 };
  for (const { inBytes, outBytes } of parts.values()) {
    total.inBytes += inBytes;
    total.outBytes += outBytes;
  }
  return total;
}

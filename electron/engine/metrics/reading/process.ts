/** What the system tells of one process. Source: proc(5). */
import { readFileSync } from 'node:fs';

/** `USER_HZ`: what /proc counts processor time in, on every Linux that Node runs on. */
const ticksPerSecond = 100;
/** Of the processors that the engine runs on (x86-64 and arm64 with 4 KiB pages). */
const pageBytes = 4096;

export interface ProcessFigures {
  /** Processor time since it began, in seconds. */
  userSeconds: number;
  systemSeconds: number;
  residentBytes: number;
}

/** @param text of `/proc/PID/stat` */
export function parseStat(text: string): ProcessFigures | undefined {
  // The name in parentheses may hold spaces and parentheses; what follows it is field 3.
  const fields = text.slice(text.lastIndexOf(')') + 2).trim().split(' ');
  const [user, system, resident] = [fields[11], fields[12], fields[21]].map(Number);
  if (user === undefined || system === undefined || resident === undefined || [user, system, resident].some(Number.isNaN)) return undefined;
  return { userSeconds: user / ticksPerSecond, systemSeconds: system / ticksPerSecond, residentBytes: resident * pageBytes };
}

/** Undefined for a process that is gone, and where there is no /proc. */
export function readProcess(pid: number): ProcessFigures | undefined {
  const text = textOf(`/proc/${pid}/stat`);
  return text === undefined ? undefined : parseStat(text);
}

export interface ThreadFigures {
  state: 'running' | 'blocked';
  /** Time on a processor, and time spent waiting for one, in seconds. */
  runSeconds: number;
  waitSeconds: number;
}

/**
 * @param stat of `/proc/PID/task/TID/stat`
 * @param schedstat of `/proc/PID/task/TID/schedstat`: nanoseconds that it ran, and that it waited to
 */
export function parseThread(stat: string, schedstat: string): ThreadFigures | undefined {
  const [ran, waited] = schedstat.trim().split(' ').map(Number);
  if (ran === undefined || waited === undefined || Number.isNaN(ran) || Number.isNaN(waited)) return undefined;
  const state = stat.slice(stat.lastIndexOf(')') + 2).startsWith('R') ? 'running' : 'blocked';
  return { state, runSeconds: ran / 1e9, waitSeconds: waited / 1e9 };
}

export function readThread(pid: number, tid: number): ThreadFigures | undefined {
  const folder = `/proc/${pid}/task/${tid}`;
  const [stat, schedstat] = [textOf(`${folder}/stat`), textOf(`${folder}/schedstat`)];
  return stat === undefined || schedstat === undefined ? undefined : parseThread(stat, schedstat);
}

/** The file of a system that may not have it, of a process that may be gone. */
export function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

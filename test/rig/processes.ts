/** The processes of this machine, from /proc. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';

export interface ProcessEntry {
  pid: number;
  argv: string[];
}

export function processes(): ProcessEntry[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), argv: argumentsOf(name) }));
}

/** QEMU processes with this text in their arguments: a machine's uid, or the folder it runs in. */
export function qemuProcesses(text: string): ProcessEntry[] {
  return processes().filter(
    ({ argv }) => (argv[0] ?? '').includes('qemu-system') && argv.some((word) => word.includes(text)),
  );
}

/** Ids of processes of a program with this text in their arguments. */
export const processesWith = (program: string, text: string): number[] =>
  processes()
    .filter(({ argv }) => basename(argv[0] ?? '') === program && argv.some((word) => word.includes(text)))
    .map(({ pid }) => pid);

/** A process that ended while we looked has no arguments. */
function argumentsOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  } catch {
    return [];
  }
}

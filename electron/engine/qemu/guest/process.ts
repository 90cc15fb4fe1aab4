/** What can be known of a QEMU process from outside. */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

/** Whether the process is there. One that has ended and was not collected yet (a zombie) is not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // proc(5): the state is field 3, the number of threads field 20; what is in parentheses may hold spaces.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // The first thread may be over while others still hold the files open.
    return fields[0] !== 'Z' || Number(fields[17]) > 1;
  } catch {
    // No /proc on this system, or gone since.
    return process.platform !== 'linux';
  }
}

/** Whether a process is the QEMU of this machine, and not another that got its number since. */
export function isGuestProcess(pid: number, uid: string): boolean {
  if (!isAlive(pid)) return false;
  if (process.platform !== 'linux') return true;
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(uid);
  } catch {
    return false;
  }
}

/**
 * What QEMU complained of, without its own name before it; undefined when it said nothing. Its complaints begin with
 * its name; advice on how to call it, which may follow, does not.
 */
export function complaintIn(text: string): string | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const complaint = /^\S*qemu-system-\S+: (?!warning:)(.*)$/;
  return complaint.exec(lines.findLast((line) => complaint.test(line)) ?? '')?.[1] ?? lines.at(-1);
}

/** What QEMU complained of in its log. */
export async function lastWords(log: string): Promise<string | undefined> {
  return complaintIn(await readFile(log, 'utf8').catch(() => ''));
}

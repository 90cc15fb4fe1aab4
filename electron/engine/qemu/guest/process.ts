/** What can be known of a QEMU process from outside. */
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

/**
 * Whether the process is there. One that has ended and was not collected yet (a zombie) is not.
 * @param startedAt when it began, from `startOf`: a process that began at another time is another one with its number
 */
export function isAlive(pid: number, startedAt?: string): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Without permission it is somebody else's, and there all the same.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const fields = statFields(pid);
  // No /proc on this system, or gone since.
  if (!fields) return process.platform !== 'linux';
  if (startedAt !== undefined && fields[startField] !== startedAt) return false;
  // The first thread may be over while others still hold the files open.
  return fields[stateField] !== 'Z' || Number(fields[threadsField]) > 1;
}

/** When a process began, in ticks since the host did; undefined where that is not to be had. */
export function startOf(pid: number): string | undefined {
  return statFields(pid)?.[startField];
}

// proc(5): what is in parentheses may hold spaces, so fields are counted from behind it, which is field 3.
const stateField = 0;
const threadsField = 17;
const startField = 19;

function statFields(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

/**
 * The QEMU processes whose files lie below a folder, by the name of their own folder in it. Empty where the system
 * does not tell (only Linux has /proc).
 */
export function findGuestProcesses(runDir: string): Map<string, { pid: number; argv: string[] }> {
  const found = new Map<string, { pid: number; argv: string[] }>();
  if (process.platform !== 'linux') return found;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const argv = argumentsOf(Number(name));
    const uid = folderOf(argv, runDir);
    if (uid !== undefined && isAlive(Number(name))) found.set(uid, { pid: Number(name), argv });
  }
  return found;
}

/** QEMU processes with this path among their arguments, or in one of them. Empty where the system does not tell. */
export function qemuProcessesUsing(path: string): number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const argv = argumentsOf(pid);
      return basename(argv[0] ?? '').startsWith('qemu-system') && argv.some((word) => word.includes(path));
    });
}

/** Whether a process is the QEMU whose files lie in this folder, and not another that got its number since. */
export function isGuestProcess(pid: number, folder: string): boolean {
  if (!isAlive(pid)) return false;
  if (process.platform !== 'linux') return true;
  return folderOf(argumentsOf(pid), dirname(folder)) === basename(folder);
}

/** The name of a guest's folder in `runDir`, from the arguments of its process. */
function folderOf(argv: readonly string[], runDir: string): string | undefined {
  if (!basename(argv[0] ?? '').startsWith('qemu-system')) return undefined;
  // The control socket: every guest has one. In QEMU's options a comma in a path is doubled.
  const word = argv.find((candidate) => candidate.startsWith('socket,id=qmp,'));
  const path = /,path=((?:[^,]|,,)*)/.exec(word ?? '')?.[1]?.replaceAll(',,', ',');
  return path !== undefined && dirname(dirname(path)) === runDir ? basename(dirname(path)) : undefined;
}

/** Empty for a process that ended while it was looked at. */
function argumentsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  } catch {
    return [];
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

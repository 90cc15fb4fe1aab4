/**
 * A TPM for a guest: one swtpm process, which ends with the QEMU that talks to it. Its state lies in the guest's
 * folder, or is kept for the next life.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import { findProgram } from '../binary.ts';
import { isAlive } from '../guest/process.ts';

const pollMs = 5;
const startMs = 5000;
/** How long one whose QEMU has gone may take to write its state. */
const endingMs = 3000;

export const findSwtpm = (): string | undefined => findProgram('swtpm');

export interface TpmFiles {
  /** Its control socket, in the guest's folder. */
  socket: string;
  /** Where its state is; made if missing. */
  stateFolder: string;
  log: string;
}

export interface Tpm {
  /** Ends it, for a QEMU that never came. */
  end(): void;
}

/**
 * Starts it detached, and resolves when QEMU can connect.
 * @throws HayloftError `unsupported` where swtpm is not installed, `internal` with its own words when it fails
 */
export async function startTpm({ socket, stateFolder, log }: TpmFiles): Promise<Tpm> {
  const program = findSwtpm();
  if (program === undefined) {
    throw new HayloftError('unsupported', 'This machine has a TPM, and swtpm is not installed on this computer.', {
      hint: 'Install the package "swtpm", or remove devices.tpm from the machine.',
    });
  }
  // The last life's may still be writing: two on one state would spoil it.
  await endTpms((argv) => argv.includes(stateArgument(stateFolder)), endingMs);
  mkdirSync(stateFolder, { recursive: true, mode: 0o700 });
  rmSync(socket, { force: true });
  const child = spawn(
    program,
    [
      ...['socket', '--tpm2', '--terminate'],
      ...['--tpmstate', stateArgument(stateFolder)],
      ...['--ctrl', `type=unixio,path=${socket},mode=0600`],
      ...['--log', `file=${log},level=1`],
    ],
    { detached: true, stdio: 'ignore' },
  );
  child.unref();
  let failure: string | undefined;
  child.once('error', (error) => (failure = error.message));
  child.once('exit', (code) => (failure ??= `it ended with code ${code ?? 'none'}`));
  const end = performance.now() + startMs;
  while (!existsSync(socket) && failure === undefined && performance.now() < end) await pause(pollMs);
  if (failure === undefined && existsSync(socket)) return { end: () => void child.kill('SIGKILL') };
  child.kill('SIGKILL');
  const words = failure ?? 'it did not answer in time';
  throw new HayloftError('internal', `The TPM could not be started: ${lastLine(log) ?? words}.`);
}

/** Ends those that an engine started which was killed before their QEMU came. A guest's folder must hold no other. */
export async function endTpmIn(folder: string): Promise<void> {
  await endTpms((argv) => {
    const path = /path=([^,]*)/.exec(argv[argv.indexOf('--ctrl') + 1] ?? '')?.[1];
    return path !== undefined && dirname(path) === folder;
  }, 0);
}

const stateArgument = (folder: string): string => `dir=${folder},mode=0600`;

async function endTpms(matches: (argv: readonly string[]) => boolean, patienceMs: number): Promise<void> {
  const end = performance.now() + patienceMs;
  for (const pid of findTpms(matches)) {
    while (isAlive(pid) && performance.now() < end) await pause(pollMs);
    // Its number may be another's by now.
    if (!findTpms(matches).includes(pid)) continue;
    process.kill(pid, 'SIGKILL');
    while (isAlive(pid)) await pause(pollMs);
  }
}

/** Empty where the system does not tell of processes: there the TPM's own end with its QEMU has to do. */
function findTpms(matches: (argv: readonly string[]) => boolean): number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const argv = argumentsOf(pid);
      return basename(argv[0] ?? '') === 'swtpm' && matches(argv) && isAlive(pid);
    });
}

function argumentsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  } catch {
    // It ended while it was looked at.
    return [];
  }
}

function lastLine(log: string): string | undefined {
  try {
    return readFileSync(log, 'utf8').trim().split('\n').at(-1) || undefined;
  } catch {
    return undefined;
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

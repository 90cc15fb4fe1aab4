/** Starting QEMU so that it outlives the engine, and waiting until it can be talked to. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import type { GuestPaths } from './argv/paths.ts';
import { lastWords } from './guest/process.ts';
import { QmpConnection } from './qmp.ts';

/** Between tries to connect: short, for a start is waited for, and QEMU needs some tens of milliseconds. */
const retryMs = 2;
const limitMs = 30_000;

export interface Launched {
  pid: number;
  qmp: QmpConnection;
  /** QMP's answer to `query-status` then. */
  status: unknown;
}

/**
 * @param spawned called with the process's id at once: from here on it lives, whatever becomes of us
 * @param descriptors open files that it gets, numbered from 3 upward
 * @returns once QMP answers
 * @throws HayloftError with QEMU's own words when it ends before that; nothing is left running then
 */
export async function launch(
  qemu: string,
  args: readonly string[],
  paths: GuestPaths,
  spawned: (pid: number) => void,
  descriptors: readonly number[] = [],
): Promise<Launched> {
  const log = openSync(paths.log, 'a', 0o600);
  // A session of its own and no pipe to us: neither our end nor a hang-up of the terminal reaches it.
  const child = spawn(qemu, args, { detached: true, stdio: ['ignore', log, log, ...descriptors], cwd: paths.folder });
  closeSync(log);
  child.unref();
  try {
    if (child.pid !== undefined) spawned(child.pid);
  } catch (error) {
    // What cannot be found again must not be left running, and its files must not go before it has.
    await killed(child);
    throw error;
  }
  const end = performance.now() + limitMs;
  const failed = new Promise<never>((_resolve, reject) => {
    child.once('error', (error) => reject(cannotRun(error)));
    child.once('exit', () => void lastWords(paths.log).then((words) => reject(refused(words))));
  });
  failed.catch(() => undefined);
  for (;;) {
    const found = await Promise.race([QmpConnection.connectAsking(paths.qmp, 'query-status').catch(() => undefined), failed]);
    if (found && child.pid !== undefined) return { pid: child.pid, qmp: found.qmp, status: found.answer };
    if (performance.now() > end) throw await hung(child);
    await Promise.race([new Promise((resolve) => setTimeout(resolve, retryMs)), failed]);
  }
}

function cannotRun(error: Error): HayloftError {
  return new HayloftError('engine-missing-qemu', `QEMU could not be started: ${error.message}`, {
    hint: 'Install QEMU with the system’s package manager.',
    cause: error,
  });
}

function refused(words: string | undefined): HayloftError {
  const text = words ?? 'it gave no reason';
  if (/cannot set up guest memory|Cannot allocate memory/i.test(text)) {
    return new HayloftError('no-space', `There is not enough free memory for this machine (QEMU: ${text}).`, {
      hint: 'Give it less memory, or stop another machine.',
      retryable: true,
    });
  }
  if (/Failed to get "?(shared )?"?(write|consistent read)"? lock/i.test(text)) {
    return new HayloftError('conflict', `One of its disks is in use by another machine (QEMU: ${text}).`, {
      hint: 'Stop the other machine first.',
      retryable: true,
    });
  }
  return new HayloftError('internal', `QEMU could not start this machine: ${text}`);
}

async function killed(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

async function hung(child: ChildProcess): Promise<HayloftError> {
  await killed(child);
  return new HayloftError('timeout', `QEMU was started and did not answer within ${limitMs / 1000} s.`, {
    hint: 'The computer may be very busy. Try again.',
    retryable: true,
  });
}

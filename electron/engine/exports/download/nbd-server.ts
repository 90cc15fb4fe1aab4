/** A disk's contents by qemu-nbd: one process for each download, which reads and never writes, and ends with it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import type { DiskFormat } from '../../disks/types.ts';
import { findProgram } from '../../qemu/binary.ts';
import { NbdReader } from './nbd-reader.ts';

const startMs = 10_000;
const pollMs = 5;

export interface OpenDisk {
  reader: NbdReader;
  close: () => void;
}

/** Pure. */
export const nbdArguments = (disk: { path: string; format: DiskFormat }, socket: string): string[] => [
  ...['--read-only', '--shared=1', `--socket=${socket}`, `--format=${disk.format}`, '--cache=writeback', '--'],
  disk.path,
];

/** Folder of the sockets; there is one only until its reader is connected. */
export const socketFolder = (dataDir: string): string => join(dataDir, 'nbd');

/** @throws HayloftError `engine-missing-qemu`, or in qemu-nbd's words */
export async function openDisk(dataDir: string, disk: { path: string; format: DiskFormat }, signal: AbortSignal): Promise<OpenDisk> {
  const program = findProgram('qemu-nbd');
  if (program === undefined) {
    throw new HayloftError('engine-missing-qemu', 'This needs qemu-nbd, and it is not installed on this computer.', {
      hint: 'Install QEMU’s disk tools (the package is called qemu-utils on Debian and Ubuntu, qemu-img elsewhere).',
    });
  }
  mkdirSync(socketFolder(dataDir), { recursive: true, mode: 0o700 });
  const socket = join(socketFolder(dataDir), `${randomUUID()}.sock`);
  const [command, ...args] = [...withParent(), program, ...nbdArguments(disk, socket)];
  const child = spawn(command ?? program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (words = (words + text).slice(-2048)));
  const close = (): void => void child.kill('SIGKILL');
  try {
    const reader = await connected(socket, child, signal, () => words);
    return {
      reader,
      close: () => {
        reader.close();
        close();
      },
    };
  } catch (error) {
    close();
    throw error;
  } finally {
    rmSync(socket, { force: true });
  }
}

/** It ends when its reader goes; and if the engine is killed before there is one, where the system can see to that. */
function withParent(): string[] {
  const setpriv = process.platform === 'linux' ? findProgram('setpriv') : undefined;
  return setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'KILL'];
}

async function connected(socket: string, child: ChildProcess, signal: AbortSignal, words: () => string): Promise<NbdReader> {
  let failure: Error | undefined;
  child.once('error', (error) => (failure = error));
  const end = performance.now() + startMs;
  for (;;) {
    signal.throwIfAborted();
    try {
      return await NbdReader.open(socket);
    } catch (error) {
      const notYet = error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ECONNREFUSED');
      if (failure ?? (child.exitCode !== null || child.signalCode !== null || !notYet || performance.now() > end)) {
        const why = words().trim().split('\n').at(-1)?.replace(/^qemu-nbd: /, '') || failure?.message;
        throw new HayloftError('internal', `The disk could not be opened for download: ${why ?? (error instanceof Error ? error.message : String(error))}`, { cause: error });
      }
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

/** qemu-img: making, checking, converting and growing disks. Formats are always named, never guessed by QEMU. */
import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import { findProgram } from '../../qemu/binary.ts';
import type { DiskFormat } from '../types.ts';
import { DiskFullError, freeBytes, isNearlyFull } from './space.ts';

/** Names that QEMU gives to formats. */
export type QemuFormat = DiskFormat | 'vmdk' | 'vdi' | 'vhdx' | 'vpc';

export interface QemuImgOptions {
  signal?: AbortSignal;
  /** Called with a share between 0 and 1. */
  onProgress?: (share: number) => void;
}

export const isQemuImgHere = (): boolean => findProgram('qemu-img') !== undefined;

/** Resolves with what it printed; throws when it could not run, or ended with none of `codes`. */
async function run(args: readonly string[], folder: string, options: QemuImgOptions = {}, codes = [0]): Promise<string> {
  const program = findProgram('qemu-img');
  if (program === undefined) {
    throw new HayloftError('engine-missing-qemu', 'This needs qemu-img, and it is not installed on this computer.', {
      hint: 'Install QEMU’s disk tools (the package is called qemu-utils on Debian and Ubuntu, qemu-img elsewhere).',
    });
  }
  const { signal, onProgress } = options;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C' }, ...(signal ? { signal } : {}) });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const share = onProgress && /\((\d+\.\d+)\/100%\)\s*$/.exec(text)?.[1];
    if (share === undefined) stdout += text;
    else onProgress?.(Number(share) / 100);
  });
  // A damaged disk can have millions of errors, a line each: the last words are enough.
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-4096)));
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.on('error', (error) => reject(signal?.aborted ? (signal.reason as Error) : error));
  child.on('close', (code) => resolve(code ?? -1));
  const code = await promise;
  signal?.throwIfAborted();
  if (codes.includes(code)) return stdout;
  if (/No space left on device/.test(stderr) || (await isNearlyFull(folder).catch(() => false))) {
    throw new DiskFullError(await freeBytes(folder).catch(() => 0));
  }
  const words = stderr.trim().split('\n').at(-1)?.replace(/^qemu-img: /, '') ?? '';
  throw new HayloftError('internal', `qemu-img could not ${args[0] ?? ''} the disk: ${words || `it ended with code ${code}`}`);
}

export async function createQcow2(path: string, bytes: number, options?: QemuImgOptions): Promise<void> {
  await run(['create', '-q', '-f', 'qcow2', path, String(bytes)], dirname(path), options);
}

/**
 * Makes a file that is only the changes to another one in the same folder, which is not looked at.
 * @param bytes of the disk; may be more than its base has
 */
export async function createOverlay(path: string, base: { name: string; format: DiskFormat }, bytes: number): Promise<void> {
  await run(['create', '-q', '-u', '-f', 'qcow2', '-F', base.format, '-b', base.name, path, String(bytes)], dirname(path));
}

/** Puts a file's changes into its base, which then holds the same. The file itself stays as it is. */
export async function commit(path: string, options: QemuImgOptions = {}): Promise<void> {
  await run(['commit', ...(options.onProgress ? ['-p'] : ['-q']), '-d', '-f', 'qcow2', path], dirname(path), options);
}

/**
 * Takes in what a file has of its base.
 * @param below what it is based on then: the base's own base; undefined: nothing, it is whole
 */
export async function absorbBase(path: string, below: { name: string; format: DiskFormat } | undefined, options: QemuImgOptions = {}): Promise<void> {
  const target = below ? ['-F', below.format, '-b', below.name] : ['-b', ''];
  await run(['rebase', ...(options.onProgress ? ['-p'] : ['-q']), '-f', 'qcow2', ...target, path], dirname(path), options);
}

/** Makes a disk larger. */
export async function grow(path: string, format: DiskFormat, bytes: number, options?: QemuImgOptions): Promise<void> {
  await run(['resize', '-q', '-f', format, path, String(bytes)], dirname(path), options);
}

export async function convert(
  from: { path: string; format: QemuFormat },
  to: { path: string; format: DiskFormat },
  options: QemuImgOptions = {},
): Promise<void> {
  const progress = options.onProgress ? ['-p'] : [];
  const target = ['-O', to.format, from.path, to.path];
  await run(['convert', ...progress, '-f', from.format, ...target], dirname(to.path), options);
}

export interface ImageInfo {
  virtualSizeBytes: number;
  /** Set when the image is only the changes to another file. */
  backingFile: string | undefined;
}

export async function info(path: string, format: QemuFormat, options?: QemuImgOptions): Promise<ImageInfo> {
  const text = await run(['info', '--output=json', '-f', format, path], dirname(path), options);
  const told = JSON.parse(text) as { 'virtual-size': number; 'backing-filename'?: string };
  return { virtualSizeBytes: told['virtual-size'], backingFile: told['backing-filename'] };
}

/** Reads a qcow2 file's own books. Resolves with the number of errors in them; wasted space is none. */
export async function countErrors(path: string, options?: QemuImgOptions): Promise<number> {
  // 2: corruptions were found; 3: only leaks.
  const text = await run(['check', '--output=json', '-f', 'qcow2', path], dirname(path), options, [0, 2, 3]);
  const told = JSON.parse(text) as { corruptions?: number; 'check-errors'?: number };
  return (told.corruptions ?? 0) + (told['check-errors'] ?? 0);
}

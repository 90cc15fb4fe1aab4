/** qemu-img: making, checking, converting and growing disks. Formats are always named, never guessed by QEMU. */
import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import { findProgram } from '../../qemu/binary.ts';
import type { DiskFormat } from '../types.ts';
import { freeBytes, isNearlyFull, noSpace } from './space.ts';

/** Names that QEMU gives to formats. */
export type QemuFormat = DiskFormat | 'vmdk' | 'vdi' | 'vhdx' | 'vpc';

export interface QemuImgOptions {
  signal?: AbortSignal;
  /** Called with a share between 0 and 1. */
  onProgress?: (share: number) => void;
}

export const isQemuImgHere = (): boolean => findProgram('qemu-img') !== undefined;

/** Resolves with its exit code and output; throws when it could not run or, unless `codes` has it, failed. */
async function run(args: readonly string[], folder: string, options: QemuImgOptions = {}, codes = [0]): Promise<string> {
  const program = findProgram('qemu-img');
  if (program === undefined) {
    throw new HayloftError('engine-missing-qemu', 'This needs qemu-img, and it is not installed on this computer.', {
      hint: 'Install QEMU’s disk tools (the package is called qemu-utils on Debian and Ubuntu, qemu-img elsewhere).',
    });
  }
  const { promise, resolve, reject } = Promise.withResolvers<{ code: number; stdout: string; stderr: string }>();
  const { signal, onProgress } = options;
  const child = execFile(program, [...args], { ...(signal ? { signal } : {}), maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
    if (signal?.aborted) reject(signal.reason as Error);
    else if (error !== null && typeof error.code !== 'number') reject(error);
    else resolve({ code: Number(error?.code ?? 0), stdout, stderr });
  });
  if (onProgress) {
    child.stdout?.on('data', (text: string) => {
      const share = /\((\d+\.\d+)\/100%\)\s*$/.exec(text)?.[1];
      if (share !== undefined) onProgress(Number(share) / 100);
    });
  }
  const { code, stdout, stderr } = await promise;
  if (codes.includes(code)) return stdout;
  if (await isNearlyFull(folder).catch(() => false)) throw noSpace(await freeBytes(folder));
  const words = stderr.trim().split('\n').at(-1)?.replace(/^qemu-img: /, '') ?? '';
  throw new HayloftError('internal', `qemu-img could not ${args[0] ?? ''} the disk: ${words || `it ended with code ${code}`}`);
}

export async function createQcow2(path: string, bytes: number, options?: QemuImgOptions): Promise<void> {
  await run(['create', '-q', '-f', 'qcow2', path, String(bytes)], dirname(path), options);
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

export interface CheckResult {
  /** Errors that make the disk's content unreliable; leaked clusters do not. */
  corruptions: number;
  /** Where the last part in use ends: a shorter file is truncated. */
  endBytes: number | undefined;
}

/** Reads a qcow2 file's own books. */
export async function check(path: string, options?: QemuImgOptions): Promise<CheckResult> {
  // 2: corruptions were found; 3: only leaks.
  const text = await run(['check', '--output=json', '-f', 'qcow2', path], dirname(path), options, [0, 2, 3]);
  const told = JSON.parse(text) as { corruptions?: number; 'check-errors'?: number; 'image-end-offset'?: number };
  return { corruptions: (told.corruptions ?? 0) + (told['check-errors'] ?? 0), endBytes: told['image-end-offset'] };
}

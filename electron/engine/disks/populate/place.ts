/** From a received file to the claim's disk: checked, in a format that QEMU runs well, as large as was asked for. */
import { rm, truncate } from 'node:fs/promises';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import { formatNames, type ImageFormat, type Packing } from '#shared/images/finding.ts';
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import type { ClaimFiles } from '../files/claim-files.ts';
import { renameDurably, sync } from '../files/durable.ts';
import * as qemuImg from '../files/qemu-img.ts';
import { asSpaceError } from '../files/space.ts';
import { refuseLargerThan, type Received } from './receive.ts';
import { unpack } from './unpack.ts';

const converted: Partial<Record<ImageFormat, qemuImg.QemuFormat>> = { vmdk: 'vmdk', vdi: 'vdi', vhdx: 'vhdx', vhd: 'vpc' };

export interface Placement {
  files: ClaimFiles;
  claim: PersistentVolumeClaim;
  /** How large the disk is to be. */
  capacityBytes: number;
  signal: AbortSignal;
  /** See {@link asExported}. */
  isExport?: boolean;
}

/** Whether a received file takes more than a moment to be placed. */
export const takesTime = ({ finding }: Received): boolean =>
  finding.packing !== undefined || (finding.format !== undefined && (finding.format === 'qcow2' || converted[finding.format] !== undefined));

/** Resolves when the claim has its file; rejects with a HayloftError. Either way nothing half made is left. */
export async function place(received: Received, to: Placement): Promise<void> {
  const { packing } = received.finding;
  if (packing !== undefined) return placePacked(received, packing, to);
  const work = to.files.partialFor(to.claim, 'converted');
  try {
    const { format = 'raw' } = received.finding;
    const foreign = converted[format];
    if (foreign !== undefined) await convertDisk(received.path, format, foreign, work, to);
    else if (format === 'qcow2') await placeQcow2(received, to);
    else await placeRaw(received, to);
  } catch (error) {
    throw await asSpaceError(error, received.path, work);
  } finally {
    await rm(received.path, { force: true });
    await rm(work, { force: true });
  }
}

async function placePacked(received: Received, packing: Packing, to: Placement): Promise<void> {
  const unpacked = to.files.partialFor(to.claim, 'unpacked');
  try {
    await place(await unpack(received.path, packing, { to: unpacked, capacityBytes: to.capacityBytes, signal: to.signal, ...(to.isExport ? { isExport: true } : {}) }), to);
  } finally {
    await rm(received.path, { force: true });
    await rm(unpacked, { force: true });
  }
}

async function placeRaw({ path, bytes, finding }: Received, to: Placement): Promise<void> {
  // A disc stays as it was made; a disk grows to what was asked for.
  const size = finding.kind === 'iso' ? Math.ceil(bytes / 512) * 512 : Math.max(to.capacityBytes, bytes);
  to.signal.throwIfAborted();
  if (size !== bytes) {
    await truncate(path, size);
    await sync(path);
  }
  await renameDurably(path, to.files.pathFor(to.claim, 'raw'));
}

async function placeQcow2({ path }: Received, to: Placement): Promise<void> {
  const { signal } = to;
  const { virtualSizeBytes, backingFile } = await qemuImg.info(path, 'qcow2', { signal });
  if (backingFile !== undefined) throw dependent('qcow2');
  refuseLargerThan(virtualSizeBytes, to.capacityBytes);
  // A file that was cut off shows by references to what lies beyond its end.
  const errors = await qemuImg.countErrors(path, { signal });
  if (errors > 0) {
    throw new HayloftError('truncated', `The QCOW2 image is incomplete or damaged: ${errors} errors were found in it.`, {
      hint: 'Download or copy it again, and compare its checksum with the publisher’s before you use it.',
    });
  }
  await finishQcow2(path, virtualSizeBytes, to);
}

async function convertDisk(path: string, format: ImageFormat, foreign: qemuImg.QemuFormat, work: string, to: Placement): Promise<void> {
  const { signal } = to;
  const { virtualSizeBytes, backingFile } = await qemuImg.info(path, foreign, { signal });
  if (backingFile !== undefined) throw dependent(format);
  refuseLargerThan(virtualSizeBytes, to.capacityBytes);
  await qemuImg.convert({ path, format: foreign }, { path: work, format: 'qcow2' }, { signal });
  await finishQcow2(work, virtualSizeBytes, to);
}

async function finishQcow2(path: string, virtualSizeBytes: number, to: Placement): Promise<void> {
  if (virtualSizeBytes < to.capacityBytes) await qemuImg.grow(path, 'qcow2', to.capacityBytes, { signal: to.signal });
  await sync(path);
  to.signal.throwIfAborted();
  await renameDurably(path, to.files.pathFor(to.claim, 'qcow2'));
}

function dependent(format: ImageFormat): HayloftError {
  return new HayloftError('unsupported', `This ${formatNames[format]} is only the changes to another file.`, {
    hint: 'Make it one whole file first: qemu-img convert -O qcow2 IMAGE whole.qcow2, then use that.',
  });
}

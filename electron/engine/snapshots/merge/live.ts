/**
 * Merging two files below the one that a running guest writes to, by its QEMU (block-commit, block-stream). QEMU goes on
 * when the engine ends; a note in the guest's folder tells the next one what was begun.
 */
import { linkSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import { baseOf, chainOf } from '../../disks/files/layers.ts';
import { QmpError } from '../../qemu/qmp.ts';
import type { Guest, Monitor } from '../../qemu/types.ts';
import { openDisk, pathIn } from '../live-disks.ts';
import { forgetAbsorbed, noteAbsorbed } from './absorbed.ts';
import { takeName } from './offline.ts';
import type { Merge } from './plan.ts';

const jobId = 'hayloft-merge';
const lookEveryMs = 500;

export interface LiveMerge extends Merge {
  /** Of the disk in the guest's spec. */
  diskName: string;
  /** Names that QEMU knows files by which have others now: it opens them anew by these to write to them. */
  oldNames?: string[];
}

/** QMP's ImageInfo, as far as it is looked at. */
interface ImageInfo {
  filename: string;
  'backing-image'?: ImageInfo;
}

interface Options {
  signal: AbortSignal;
  /** A share between 0 and 1. */
  onProgress: (share: number) => void;
}

/** @throws HayloftError `conflict` where QEMU's chain is not the one on the disk: then it waits until the guest is off */
export async function mergeLive(guest: Guest, merge: LiveMerge, options: Options): Promise<void> {
  const { monitor } = guest;
  // There is one note for a guest: what it says is seen to first.
  if (hasBegun(guest)) throw otherChain();
  const nodes = await nodesOf(monitor, merge.diskName);
  const open = await openDisk(monitor, merge.diskName);
  const lower = nodes?.get(merge.lower)?.node;
  const upper = nodes?.get(merge.upper)?.node;
  const base = baseOf(merge.lower);
  const below = base === undefined ? undefined : nodes?.get(base)?.node;
  if (!open || lower === undefined || upper === undefined || (base !== undefined && below === undefined)) throw otherChain();
  // Only these are taken away again.
  const renamed = [merge.lower, merge.upper].flatMap((path) => {
    const known = nodes?.get(path)?.known ?? path;
    return known === path ? [] : [{ path, known }];
  });
  const noted: LiveMerge = { ...merge, oldNames: renamed.map(({ known }) => known) };
  writeFileSync(notePath(guest), JSON.stringify(noted), { mode: 0o600 });
  for (const { path, known } of renamed) giveName(path, known);
  // The guest's folder goes with the guest.
  if (merge.how === 'absorb') noteAbsorbed(merge.lower);
  const begin =
    merge.how === 'commit'
      ? monitorCommand('block-commit', { device: open.node, 'top-node': upper, 'base-node': lower, 'backing-file': basename(merge.upper) })
      : monitorCommand('block-stream', { device: upper, ...(base === undefined ? {} : { 'base-node': below, 'backing-file': basename(base) }) });
  try {
    await jobEnd(monitor, options, () => begin(monitor));
  } finally {
    if (!(await isUnderWay(monitor))) await settle(guest, noted);
  }
}

/** A name that was a file's before is no other's: generations only count up. */
function giveName(path: string, name: string): void {
  const found = statSync(name, { throwIfNoEntry: false });
  if (!found) linkSync(path, name);
  else if (found.ino !== statSync(path).ino) throw otherChain();
}

const monitorCommand =
  (name: string, args: Record<string, unknown>) =>
  (monitor: Monitor): Promise<unknown> =>
    monitor.command(name, { 'job-id': jobId, ...args });

/** Sees to a merge that an earlier engine began: waits for its end, and does what was left to do then. */
export async function finishLive(guest: Guest, options: Options): Promise<void> {
  const merge = readNote(guest);
  if (!merge) return;
  try {
    if (await isUnderWay(guest.monitor)) await jobEnd(guest.monitor, options);
  } finally {
    await settle(guest, merge);
  }
}

/** What has come of a job shows in QEMU's chain and the files; only the names and the rest are left to be put right. */
async function settle(guest: Guest, { how, lower, upper, diskName, oldNames = [] }: LiveMerge): Promise<void> {
  if (how === 'absorb') {
    if (baseOf(upper) !== lower) rmSync(lower, { force: true });
    forgetAbsorbed(lower);
  } else {
    const live = await filesOf(guest.monitor, diskName);
    const onDisk = await chainOnDisk(guest.monitor, diskName);
    // QEMU has dropped the upper file, whose name is to be the lower one's.
    if (live !== undefined && onDisk?.includes(upper) === true && live.length === onDisk.length - 1) await takeName(lower, upper);
  }
  for (const name of oldNames) rmSync(name, { force: true });
  rmSync(notePath(guest), { force: true });
}

const notePath = ({ folder }: Guest): string => join(folder, 'merging');

function readNote(guest: Guest): LiveMerge | undefined {
  try {
    return JSON.parse(readFileSync(notePath(guest), 'utf8')) as LiveMerge;
  } catch {
    return undefined;
  }
}

export const hasBegun = (guest: Guest): boolean => readNote(guest) !== undefined;

/** The files of a disk as QEMU has them open, the one that is written to first; by the names that they had then. */
async function filesOf(monitor: Monitor, diskName: string): Promise<string[] | undefined> {
  const open = await openDisk(monitor, diskName);
  const blocks = (await monitor.command('query-block')) as { inserted?: { 'node-name'?: string; image: ImageInfo } }[];
  const image = blocks.find(({ inserted }) => open !== undefined && inserted?.['node-name'] === open.node)?.inserted?.image;
  const files: string[] = [];
  for (let next = image; next !== undefined; next = next['backing-image']) files.push(pathIn(next.filename) ?? next.filename);
  return image === undefined ? undefined : files;
}

async function chainOnDisk(monitor: Monitor, diskName: string): Promise<string[] | undefined> {
  const open = await openDisk(monitor, diskName);
  return open && chainOf(open.path);
}

/**
 * QEMU's nodes, and the names that it knows their files by, by where their files are now: one that took another's name is still called by its old one in QEMU.
 * @returns undefined where the chains differ
 */
async function nodesOf(monitor: Monitor, diskName: string): Promise<Map<string, { node: string; known: string }> | undefined> {
  const live = await filesOf(monitor, diskName);
  const onDisk = await chainOnDisk(monitor, diskName);
  if (!live || live.length !== onDisk?.length) return undefined;
  const all = (await monitor.command('query-named-block-nodes', { flat: true })) as { 'node-name': string; drv: string; file: string }[];
  const byFile = new Map(all.filter(({ drv }) => drv !== 'file').map((node) => [pathIn(node.file), node['node-name']]));
  return new Map(onDisk.flatMap((path, index) => {
    const known = live[index] ?? '';
    const node = byFile.get(known);
    return node === undefined ? [] : [[path, { node, known }] as const];
  }));
}

interface BlockJob {
  device: string;
  len: number;
  offset: number;
}

const jobs = async (monitor: Monitor): Promise<BlockJob[]> => (await monitor.command('query-block-jobs')) as BlockJob[];

const isUnderWay = async (monitor: Monitor): Promise<boolean> => (await jobs(monitor).catch(() => [])).some(({ device }) => device === jobId);

/** Resolves when the job has done its work. An aborted signal cancels it, which loses nothing. */
async function jobEnd(monitor: Monitor, { signal, onProgress }: Options, begin?: () => Promise<unknown>): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const stop = monitor.onEvent(({ event, data }) => {
    if (data['device'] !== jobId) return;
    if (event === 'BLOCK_JOB_COMPLETED' && data['error'] === undefined) resolve(undefined);
    else if (event === 'BLOCK_JOB_COMPLETED') reject(new HayloftError('internal', `QEMU could not merge the disk's files: ${String(data['error'])}`, { retryable: true }));
    else if (event === 'BLOCK_JOB_CANCELLED') reject(cancelled());
  });
  const cancel = (): void => void monitor.command('block-job-cancel', { device: jobId, force: true }).catch(() => undefined);
  signal.addEventListener('abort', cancel);
  if (signal.aborted) cancel();
  promise.catch(() => undefined);
  const timer = setInterval(() => {
    jobs(monitor).then(
      (all) => {
        const job = all.find(({ device }) => device === jobId);
        if (job && job.len > 0) onProgress(job.offset / job.len);
        // Its end was told while nobody listened: what it did shows in what there is.
        else if (!job) reject(cancelled());
      },
      (error: unknown) => reject(error instanceof QmpError ? cancelled() : (error as Error)),
    );
  }, lookEveryMs);
  try {
    await begin?.();
    await promise;
  } finally {
    clearInterval(timer);
    stop();
    signal.removeEventListener('abort', cancel);
  }
}

const cancelled = (): HayloftError => new HayloftError('cancelled', 'The merge was cut off; it begins again by itself.', { retryable: true });
const otherChain = (): HayloftError => new HayloftError('conflict', 'QEMU has other files open than the disk is made of.', { retryable: true });

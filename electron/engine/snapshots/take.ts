/**
 * Takes the state of several disks at one moment: each one's file is kept as it is from then on, and a new file over
 * it takes what is written next. It costs the same for a disk of any size.
 */
import { renameSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import { findDisk } from '../disks/catalog.ts';
import { sync } from '../disks/files/durable.ts';
import { dependentsIn, layerFileName, layersOf, parseLayerName } from '../disks/files/layers.ts';
import { createOverlay } from '../disks/files/qemu-img.ts';
import { machinesUsing } from '../disks/machine-use.ts';
import type { DiskParts } from '../disks/parts.ts';
import type { DiskFile } from '../disks/types.ts';
import { nodeName } from '../qemu/argv/disks.ts';
import { QmpError } from '../qemu/qmp.ts';
import type { Guest } from '../qemu/types.ts';
import { holdersOf } from './held.ts';
import { openDisk, type OpenDisk } from './live-disks.ts';
import type { Quiesce } from './quiesce.ts';

/** The running guest that writes to the disks. */
export interface Writer {
  guest: Guest;
  /** Name of its VMI. */
  name: string;
  /** Has the guest write down what it has in mind, and wait; undefined where nobody can be asked. */
  quiesce?: Quiesce;
}

export interface Target {
  claim: PersistentVolumeClaim;
  /** The disk's name in the guest's spec. */
  diskName?: string;
}

export interface Taken {
  claim: PersistentVolumeClaim;
  /** The file that holds the state. */
  path: string;
  virtualSizeBytes: number;
}

interface Step extends Taken {
  base: DiskFile;
  partial: string;
  overlay: string;
  open: OpenDisk | undefined;
  diskName: string | undefined;
}

/** @throws HayloftError `busy` (retryable) when a disk is worked on or another machine writes to it */
export async function takeLayers(parts: DiskParts, targets: readonly Target[], writer?: Writer): Promise<Taken[]> {
  const steps: Step[] = [];
  try {
    for (const target of targets) steps.push(await prepare(parts, target, writer));
    if (writer) await switchLive(steps, writer);
    else enter(steps, () => targets.forEach((target) => refuseBusy(parts, target)));
    await syncFolders(steps);
    return steps.map(({ claim, base, virtualSizeBytes }) => ({ claim, path: base.path, virtualSizeBytes }));
  } finally {
    for (const { partial } of steps) rmSync(partial, { force: true });
  }
}

/** Nothing else may be at work on the disk, and no other machine. */
function refuseBusy({ resources, jobs }: DiskParts, { claim }: Target, writer?: Writer): void {
  const { namespace, name = '', uid = '' } = claim.metadata;
  const busy = (why: string): HayloftError => new HayloftError('conflict', `The disk "${name}" ${why}.`, { retryable: true });
  if (jobs.get(uid)) throw busy('is being worked on');
  const other = machinesUsing(resources, namespace, name).find((use) => use.writes && use.name !== writer?.name);
  if (other) throw busy(`is being written to by the machine "${other.name}"`);
}

async function prepare(parts: DiskParts, target: Target, writer: Writer | undefined): Promise<Step> {
  const { files } = parts;
  const { claim, diskName } = target;
  refuseBusy(parts, target, writer);
  const open = writer && diskName !== undefined ? await openDisk(writer.guest.monitor, diskName) : undefined;
  const written = open && !open.readOnly ? open : undefined;
  if (written) dropUnused(parts, claim, written.path);
  const found = findDisk(parts, claim.metadata.namespace ?? '', claim.metadata.name ?? '');
  if (found.state !== 'ready') throw new HayloftError('conflict', found.state === 'pending' ? found.message : 'The disk is gone.', { retryable: true });
  const base = found.file;
  if (written && written.path !== base.path) {
    throw new HayloftError('internal', `The machine writes to ${written.path}, and the disk "${claim.metadata.name ?? ''}" is ${base.path}.`);
  }
  const parsed = parseLayerName(base.path);
  if (!parsed) throw new HayloftError('internal', `${base.path} is not a disk's file.`);
  const overlay = join(dirname(base.path), layerFileName({ uid: claim.metadata.uid ?? '', generation: parsed.generation + 1, format: 'qcow2' }));
  const partial = files.partialFor(claim, 'layer');
  rmSync(partial, { force: true });
  await createOverlay(partial, { name: basename(base.path), format: base.format }, base.virtualSizeBytes);
  await sync(partial);
  return { claim, path: base.path, virtualSizeBytes: base.virtualSizeBytes, base, partial, overlay, open: written, diskName };
}

/** An engine that died before QEMU took the new files left them behind, empty: QEMU still writes to the one below. */
function dropUnused({ resources, files }: DiskParts, claim: PersistentVolumeClaim, path: string): void {
  const above = layersOf(files.folderOf(claim), claim.metadata.uid ?? '');
  if (!above.includes(path)) return;
  const dependents = dependentsIn(dirname(path));
  for (const layer of above.slice(0, above.indexOf(path))) {
    if (!dependents.has(layer) && holdersOf(resources, layer).length === 0) rmSync(layer, { force: true });
  }
}

/** All at once: nothing else of the engine runs between the check and the last rename. */
function enter(steps: readonly Step[], check: () => void): void {
  check();
  for (const { partial, overlay } of steps) renameSync(partial, overlay);
}

/**
 * As long as a new file is empty it shows what is below it, whoever writes there: so it may have its name before
 * QEMU takes it, and an end of everything in between does no harm.
 */
async function switchLive(steps: readonly Step[], { guest, quiesce }: Writer): Promise<void> {
  const { monitor } = guest;
  enter(steps, () => undefined);
  await syncFolders(steps);
  const added: string[] = [];
  const actions: object[] = [];
  let thaw: (() => Promise<void>) | undefined;
  try {
    for (const { open, overlay, diskName } of steps) {
      if (!open || diskName === undefined) continue;
      const node = `${nodeName(diskName)}.${parseLayerName(overlay)?.generation ?? 0}`;
      await monitor.command('blockdev-add', overlayNode(node, overlay, open));
      added.push(node);
      actions.push({ type: 'blockdev-snapshot', data: { node: open.node, overlay: node } });
    }
    if (actions.length > 0) thaw = await quiesce?.freeze();
    if (actions.length > 0) await monitor.command('transaction', { actions });
  } catch (error) {
    // Whether it happened is not known when QEMU ended meanwhile: then the files stay, for they may hold data.
    if (!(error instanceof QmpError && error.class === 'ConnectionLost')) {
      for (const node of added) await monitor.command('blockdev-del', { 'node-name': node }).catch(() => undefined);
      for (const { overlay } of steps) rmSync(overlay, { force: true });
    }
    throw error;
  } finally {
    await thaw?.();
  }
}

function overlayNode(node: string, path: string, { cacheDirect, detectZeroes }: OpenDisk): Record<string, unknown> {
  const cache = { direct: cacheDirect, 'no-flush': false };
  return {
    driver: 'qcow2',
    'node-name': node,
    'read-only': false,
    discard: 'unmap',
    'detect-zeroes': detectZeroes,
    cache,
    // The transaction puts it on top of what is open already.
    backing: null,
    file: { driver: 'file', filename: path, cache, discard: 'unmap' },
  };
}

async function syncFolders(steps: readonly Step[]): Promise<void> {
  if (process.platform === 'win32') return;
  for (const folder of new Set(steps.map(({ overlay }) => dirname(overlay)))) {
    const handle = await open(folder, 'r');
    await handle.sync().finally(() => handle.close());
  }
}

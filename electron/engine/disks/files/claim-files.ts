/**
 * Where the file behind a claim lies: `FOLDER/NAMESPACE/UID.qcow2` or `.raw`. A file under one of these names is
 * whole; everything that is still being made ends in `.partial`, so that what a crash leaves behind is known as such.
 */
import { closeSync, mkdirSync, openSync, readdirSync, readSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import { recognize } from '#shared/images/recognize.ts';
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import { FOLDER_ANNOTATION } from '../definitions/persistent-volume-claim.ts';
import type { DiskFile, DiskFormat } from '../types.ts';
import { folderMissing, isFolderThere } from './class-folder.ts';

const formats: readonly DiskFormat[] = ['qcow2', 'raw'];
const partialSuffix = '.partial';
/** Steps whose files are worth keeping over a restart, see populate/transfer-note.ts. */
const lasting: ReadonlySet<string> = new Set(['received', 'note']);

export interface ClaimFiles {
  /** The folder that claims of this storage class path (default: the engine's own) go into. */
  folder(path?: string): string;
  /** Path of the claim's whole file in this format, there or not. Makes the folder. */
  pathFor(claim: PersistentVolumeClaim, format: DiskFormat): string;
  /** Path to make the claim's file at before it takes its real name; `step` tells several of them apart. */
  partialFor(claim: PersistentVolumeClaim, step?: string): string;
  find(claim: PersistentVolumeClaim): DiskFile | undefined;
  /** The folder of the claim's storage class, when it is not there: its disk is not mounted. */
  missingFolder(claim: PersistentVolumeClaim): string | undefined;
  /** Removes everything that belongs to the claim. */
  remove(claim: PersistentVolumeClaim): void;
  /**
   * Removes what a crash left half made, in these folders of storage classes. Returns how many files went.
   * @param keep ids of claims whose transfers may go on: what has come for them stays
   */
  sweep(paths: readonly string[], keep?: ReadonlySet<string>): number;
}

export function createClaimFiles(dataDir: string): ClaimFiles {
  const ownFolder = join(dataDir, 'disks');
  const base = ({ metadata }: PersistentVolumeClaim): string =>
    join(metadata.annotations?.[FOLDER_ANNOTATION] ?? ownFolder, metadata.namespace ?? '', metadata.uid ?? '');
  const missingFolder = ({ metadata }: PersistentVolumeClaim): string | undefined => {
    const path = metadata.annotations?.[FOLDER_ANNOTATION];
    return path === undefined || isFolderThere(path) ? undefined : path;
  };
  const ready = (claim: PersistentVolumeClaim, path: string): string => {
    const missing = missingFolder(claim);
    if (missing !== undefined) throw new HayloftError('unreachable', folderMissing(missing), { retryable: true });
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return path;
  };
  return {
    missingFolder,
    folder: (path = ownFolder) => {
      // Others are made by whoever names them: an empty mount point is not to be written to.
      if (path === ownFolder) mkdirSync(path, { recursive: true, mode: 0o700 });
      return path;
    },
    pathFor: (claim, format) => ready(claim, `${base(claim)}.${format}`),
    partialFor: (claim, step = 'new') => ready(claim, `${base(claim)}.${step}${partialSuffix}`),
    find: (claim) => {
      for (const format of formats) {
        const path = `${base(claim)}.${format}`;
        const stat = statSync(path, { throwIfNoEntry: false });
        if (!stat) continue;
        const allocatedBytes = stat.blocks * 512;
        const virtualSizeBytes = format === 'raw' ? stat.size : qcow2Size(path);
        return { path, format, virtualSizeBytes, allocatedBytes };
      }
      return undefined;
    },
    remove: (claim) => {
      const path = base(claim);
      const prefix = `${claim.metadata.uid ?? ''}.`;
      for (const name of namesIn(dirname(path))) {
        if (name.startsWith(prefix)) rmSync(join(dirname(path), name), { force: true });
      }
    },
    sweep: (paths, keep = new Set()) => {
      let removed = 0;
      for (const folder of new Set([ownFolder, ...paths])) {
        for (const namespace of namesIn(folder)) {
          for (const name of namesIn(join(folder, namespace))) {
            if (!name.includes(partialSuffix)) continue;
            const [uid = '', step = ''] = name.split('.');
            if (keep.has(uid) && lasting.has(step) && name.endsWith(partialSuffix)) continue;
            rmSync(join(folder, namespace, name), { force: true });
            removed += 1;
          }
        }
      }
      return removed;
    },
  };
}

/** Names in a folder; none where it is no folder or not there. */
function namesIn(folder: string): string[] {
  return statSync(folder, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(folder) : [];
}

function qcow2Size(path: string): number {
  const head = new Uint8Array(512);
  const file = openSync(path, 'r');
  try {
    const length = readSync(file, head, 0, head.length, 0);
    return recognize(head.subarray(0, length), undefined).virtualSizeBytes ?? 0;
  } finally {
    closeSync(file);
  }
}

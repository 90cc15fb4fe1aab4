/**
 * Where the file behind a claim lies: `FOLDER/NAMESPACE/UID.qcow2` or `.raw`, and after its n-th snapshot
 * `UID.n.qcow2`, over those before (see layers.ts). A file under one of these names is whole; everything that is
 * still being made ends in `.partial`, so that what a crash leaves behind is known as such.
 */
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import { FOLDER_ANNOTATION } from '../definitions/persistent-volume-claim.ts';
import type { DiskFile, DiskFormat } from '../types.ts';
import { folderMissing, isFolderThere } from './class-folder.ts';
import { ABSORBED_SUFFIX, allocatedIn, chainOf, layersOf, namesIn, parseLayerName, release } from './layers.ts';
import { readQcow2Header } from './qcow2-header.ts';

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
  /** Folder of a claim's files, or of a snapshot's, which is beside them. */
  folderOf(claim: KubeObject): string;
  /** Removes everything that belongs to the claim; what snapshots and other disks are based on stays, under its name. */
  remove(claim: PersistentVolumeClaim, isNeeded?: (path: string) => boolean): void;
  /**
   * Removes what a crash left half made, in these folders of storage classes. Returns how many files went.
   * @param keep ids of claims whose transfers may go on: what has come for them stays
   */
  sweep(paths: readonly string[], keep?: ReadonlySet<string>): number;
}

export function createClaimFiles(dataDir: string): ClaimFiles {
  const ownFolder = join(dataDir, 'disks');
  const base = ({ metadata }: KubeObject): string =>
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
      const path = layersOf(dirname(base(claim)), claim.metadata.uid ?? '')[0];
      const stat = path === undefined ? undefined : statSync(path, { throwIfNoEntry: false });
      const format = path === undefined ? undefined : parseLayerName(path)?.format;
      if (path === undefined || !stat || format === undefined) return undefined;
      const virtualSizeBytes = format === 'raw' ? stat.size : (readQcow2Header(path)?.virtualSizeBytes ?? 0);
      return { path, format, virtualSizeBytes, allocatedBytes: allocatedIn(chainOf(path)) };
    },
    folderOf: (claim) => dirname(base(claim)),
    remove: (claim, isNeeded = () => false) => {
      const uid = claim.metadata.uid ?? '';
      const folder = dirname(base(claim));
      for (const name of namesIn(folder)) {
        if (name.startsWith(`${uid}.`) && !parseLayerName(name) && !name.endsWith(ABSORBED_SUFFIX)) rmSync(join(folder, name), { force: true });
      }
      release(layersOf(folder, uid), isNeeded);
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

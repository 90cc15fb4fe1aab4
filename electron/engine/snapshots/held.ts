/** Which files of disks are needed, and by whom: what nobody needs may go. */
import { basename, dirname, join } from 'node:path';
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import type { VolumeSnapshot } from '#shared/kube/snapshot.ts';
import { persistentVolumeClaims } from '../disks/definitions/persistent-volume-claim.ts';
import type { ClaimFiles } from '../disks/files/claim-files.ts';
import { layersOf, parseLayerName } from '../disks/files/layers.ts';
import type { Resources } from '../store/resources.ts';
import { LAYER_ANNOTATION, volumeSnapshots } from './definitions/volume-snapshot.ts';

export interface Exceptions {
  /** A claim that is on its way out. */
  claimUid?: string;
  /** A snapshot that is on its way out. */
  snapshotUid?: string;
}

export const layerNameOf = ({ metadata }: VolumeSnapshot): string | undefined => metadata.annotations?.[LAYER_ANNOTATION];

/** The snapshots that hold this file. */
export const holdersOf = (resources: Resources, path: string, except: Exceptions = {}): VolumeSnapshot[] =>
  resources.list(volumeSnapshots).filter((snapshot) => layerNameOf(snapshot) === basename(path) && snapshot.metadata.uid !== except.snapshotUid);

/** The claim whose disk this file is now: the one that is written to. */
export function claimWritingTo(resources: Resources, path: string): PersistentVolumeClaim | undefined {
  const parsed = parseLayerName(path);
  if (!parsed || layersOf(dirname(path), parsed.uid)[0] !== path) return undefined;
  return resources.list(persistentVolumeClaims).find(({ metadata }) => metadata.uid === parsed.uid);
}

/** Whether the file itself is held by a snapshot or is a claim's disk. */
export function neededBy(resources: Resources, except: Exceptions): (path: string) => boolean {
  return (path) => {
    if (holdersOf(resources, path, except).length > 0) return true;
    const claim = claimWritingTo(resources, path);
    return claim !== undefined && claim.metadata.uid !== except.claimUid;
  };
}

/** Where the snapshot's file is. */
export function layerPathOf(files: ClaimFiles, snapshot: VolumeSnapshot): string | undefined {
  const name = layerNameOf(snapshot);
  return name === undefined ? undefined : join(files.folderOf(snapshot), name);
}

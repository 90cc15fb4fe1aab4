/** Snapshots of single disks: taken when asked for, and their files given free in the end. */
import { dirname } from 'node:path';
import type { VolumeSnapshot } from '#shared/kube/snapshot.ts';
import { asHayloftError } from '#shared/contract/hayloft-error.ts';
import { createController, type Controller, type ReconcileResult } from '../../controller.ts';
import { machinesUsing } from '../../disks/machine-use.ts';
import { release } from '../../disks/files/layers.ts';
import { timestamp } from '../../store/keys.ts';
import { BOUND_FINALIZER, volumeSnapshots } from '../definitions/volume-snapshot.ts';
import { layerNameOf, layerPathOf, neededBy } from '../held.ts';
import { liveInstance, writerOf, type SnapshotParts } from '../parts.ts';
import { takeLayers } from '../take.ts';
import { readyStatus, withLayer } from '../volume-snapshot-objects.ts';

const againMs = 2000;

/** @param onReleased called with a folder in which files may be merged now */
export function controlVolumeSnapshots(parts: SnapshotParts, onReleased: (folder: string) => void): Controller {
  const { resources } = parts;
  return createController(parts, {
    of: volumeSnapshots,
    reconcile: ({ namespace, name }) => {
      const snapshot = resources.get(volumeSnapshots, namespace, name);
      if (!snapshot) return undefined;
      if (snapshot.metadata.deletionTimestamp !== undefined) {
        letGo(parts, snapshot, onReleased);
        return undefined;
      }
      return layerNameOf(snapshot) === undefined ? take(parts, snapshot) : undefined;
    },
  });
}

function letGo({ resources, files }: SnapshotParts, snapshot: VolumeSnapshot, onReleased: (folder: string) => void): void {
  const { namespace, name = '', uid } = snapshot.metadata;
  if (!snapshot.metadata.finalizers?.includes(BOUND_FINALIZER)) return;
  const path = layerPathOf(files, snapshot);
  if (path !== undefined) release([path], neededBy(resources, uid === undefined ? {} : { snapshotUid: uid }));
  resources.change(volumeSnapshots, namespace, name, (draft) => {
    draft.metadata.finalizers = (draft.metadata.finalizers ?? []).filter((finalizer) => finalizer !== BOUND_FINALIZER);
  });
  if (path !== undefined) onReleased(dirname(path));
}

async function take(parts: SnapshotParts, snapshot: VolumeSnapshot): Promise<ReconcileResult> {
  const { resources, claims } = parts;
  const { namespace, name = '' } = snapshot.metadata;
  const claimName = snapshot.spec.source.persistentVolumeClaimName ?? '';
  const claim = resources.get(claims, namespace, claimName);
  const fail = (message: string): ReconcileResult => {
    resources.changeStatus(volumeSnapshots, namespace, name, (draft) => {
      const time = draft.status?.error?.message === message ? draft.status.error.time : timestamp();
      draft.status = { ...draft.status, readyToUse: false, error: { message, ...(time === undefined ? {} : { time }) } };
    });
    return { requeueAfterMs: againMs };
  };
  if (!claim) return fail(`There is no claim "${claimName}".`);
  const user = machinesUsing(resources, namespace, claimName).find(({ writes }) => writes);
  const vmi = user && liveInstance(parts, namespace, user.name);
  const writer = vmi && writerOf(parts, vmi);
  if (vmi && !writer) return fail(`The machine "${user.name}" is starting.`);
  const diskName = vmi?.spec.volumes?.find((volume) => (volume.dataVolume?.name ?? volume.persistentVolumeClaim?.claimName) === claimName)?.name;
  try {
    await parts.merges.holding([claim], async () => {
      const [taken] = await takeLayers(parts, [{ claim, ...(diskName === undefined ? {} : { diskName }) }], writer);
      if (!taken) return;
      resources.change(volumeSnapshots, namespace, name, (draft) => {
        const { metadata } = withLayer(draft, claim, taken.path);
        draft.metadata.annotations = { ...draft.metadata.annotations, ...metadata.annotations };
      });
      resources.changeStatus(volumeSnapshots, namespace, name, (draft) => (draft.status = readyStatus(draft, taken)));
    });
    return undefined;
  } catch (error) {
    return fail(asHayloftError(error).message);
  }
}


/** What a machine's snapshot holds: made, filled with the disks' states, removed. */
import type { VirtualMachine, VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import type { ObjectMeta } from '#shared/kube/object.ts';
import type { VirtualMachineSnapshot, VirtualMachineSnapshotContent } from '#shared/kube/snapshot.ts';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import { timestamp } from '../store/keys.ts';
import { virtualMachineSnapshotContents } from './definitions/virtual-machine-snapshot-content.ts';
import { volumeSnapshots } from './definitions/volume-snapshot.ts';
import { claimVolumes, type SnapshotParts } from './parts.ts';
import { takeLayers, type Writer } from './take.ts';
import { newVolumeSnapshot, readyStatus } from './volume-snapshot-objects.ts';

const CONTENT_FINALIZER = 'snapshot.kubevirt.io/vmsnapshotcontent-protection';

const simple = ({ name, namespace, labels, annotations }: ObjectMeta): ObjectMeta => ({
  ...(name === undefined ? {} : { name }),
  ...(namespace === undefined ? {} : { namespace }),
  ...(labels ? { labels } : {}),
  ...(annotations ? { annotations } : {}),
});

/** Makes the content unless it is there: the machine as it is now, and the names that its disks' snapshots will have. */
export function makeContent(parts: SnapshotParts, snapshot: VirtualMachineSnapshot, vm: VirtualMachine): VirtualMachineSnapshotContent {
  const { resources, claims, events } = parts;
  const { namespace, name: snapshotName = '', uid = '' } = snapshot.metadata;
  const name = `vmsnapshot-content-${uid}`;
  const found = resources.get(virtualMachineSnapshotContents, namespace, name);
  if (found) return found;
  const volumeBackups = claimVolumes(vm).flatMap(({ volumeName, claimName }) => {
    const claim = resources.get(claims, namespace, claimName);
    return claim?.status?.phase === 'Bound'
      ? [{ volumeName, persistentVolumeClaim: { metadata: simple(claim.metadata), spec: claim.spec }, volumeSnapshotName: `vmsnapshot-${uid}-volume-${volumeName}` }]
      : [];
  });
  const status = { ...vm.status };
  delete status.snapshotInProgress;
  const made = resources.create(virtualMachineSnapshotContents, {
    apiVersion: 'snapshot.kubevirt.io/v1beta1',
    kind: 'VirtualMachineSnapshotContent',
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), finalizers: [CONTENT_FINALIZER] },
    spec: {
      virtualMachineSnapshotName: snapshotName,
      source: { virtualMachine: { metadata: { ...simple(vm.metadata), ...(vm.metadata.uid === undefined ? {} : { uid: vm.metadata.uid }) }, spec: vm.spec, status } },
      volumeBackups,
    },
  });
  events.record(snapshot, 'Normal', 'SuccessfulVirtualMachineSnapshotContentCreate', `Successfully created VirtualMachineSnapshotContent ${name}`);
  return made;
}

/** Takes the state of all disks at one moment. Does nothing when that is done. @throws HayloftError, then nothing is taken */
export async function takeContent(
  parts: SnapshotParts,
  content: VirtualMachineSnapshotContent,
  vmi: VirtualMachineInstance | undefined,
  writer: Writer | undefined,
): Promise<void> {
  const { resources, claims, events } = parts;
  const { namespace, name = '', uid = '' } = content.metadata;
  const backups = content.spec.volumeBackups ?? [];
  const targets = backups.map(({ volumeName, persistentVolumeClaim }) => {
    const claim = resources.get(claims, namespace, persistentVolumeClaim.metadata.name ?? '');
    if (!claim) throw new HayloftError('not-found', `The disk "${persistentVolumeClaim.metadata.name ?? ''}" is gone.`);
    const runs = vmi?.spec.volumes?.some((volume) => volume.name === volumeName) === true;
    return { claim, ...(runs ? { diskName: volumeName } : {}) };
  });
  if (content.status?.readyToUse === true) return;
  await parts.merges.holding(targets.map(({ claim }) => claim), async () => {
    const taken = await takeLayers(parts, targets, writer);
    const at = timestamp();
    const owner = { apiVersion: content.apiVersion, kind: content.kind, name, uid, controller: true, blockOwnerDeletion: true };
    const machine = content.spec.source.virtualMachine?.metadata;
    const labels = { 'snapshot.kubevirt.io/source-vm-name': machine?.name ?? '', 'snapshot.kubevirt.io/source-vm-namespace': machine?.namespace ?? '' };
    // What an engine that died in the middle has noted of an earlier moment is of no use: all are of this one.
    for (const { volumeSnapshotName = '' } of backups) dropOld(parts, namespace, volumeSnapshotName);
    for (const [index, { volumeSnapshotName = '' }] of backups.entries()) {
      const state = taken[index];
      if (!state) continue;
      const made = resources.create(volumeSnapshots, newVolumeSnapshot(volumeSnapshotName, state, owner, labels));
      resources.changeStatus(volumeSnapshots, namespace, volumeSnapshotName, (draft) => (draft.status = readyStatus(made, state, at)));
      events.record(content, 'Normal', 'SuccessfulVolumeSnapshotCreate', `Successfully created VolumeSnapshot ${volumeSnapshotName}`);
    }
    resources.changeStatus(virtualMachineSnapshotContents, namespace, name, (draft) => {
      draft.status = {
        creationTime: at,
        readyToUse: true,
        volumeSnapshotStatus: backups.map(({ volumeSnapshotName = '' }) => ({ volumeSnapshotName, creationTime: at, readyToUse: true })),
      };
    });
  });
}

function dropOld({ resources }: SnapshotParts, namespace: string | undefined, name: string): void {
  if (!resources.get(volumeSnapshots, namespace, name)) return;
  resources.change(volumeSnapshots, namespace, name, (draft) => {
    delete draft.metadata.finalizers;
  });
  resources.delete(volumeSnapshots, namespace, name);
}

/** The disks' snapshots go with it. */
export function removeContent({ resources }: SnapshotParts, namespace: string | undefined, name: string): void {
  resources.change(virtualMachineSnapshotContents, namespace, name, (draft) => {
    draft.metadata.finalizers = (draft.metadata.finalizers ?? []).filter((finalizer) => finalizer !== CONTENT_FINALIZER);
  });
  resources.delete(virtualMachineSnapshotContents, namespace, name);
}

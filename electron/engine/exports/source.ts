/** What an export offers: the disks behind its source, or why there are none now. Reasons and words: KubeVirt's. */
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import type { VirtualMachineExport } from '#shared/kube/export.ts';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import { findDisk } from '../disks/catalog.ts';
import { persistentVolumeClaims } from '../disks/definitions/persistent-volume-claim.ts';
import { parseLayerName } from '../disks/files/layers.ts';
import { machinesUsing } from '../disks/machine-use.ts';
import type { DiskParts } from '../disks/parts.ts';
import type { DiskFormat } from '../disks/types.ts';
import { isFinal } from '../machines/controllers/instance-status.ts';
import { virtualMachineInstances } from '../machines/definitions/virtual-machine-instance.ts';
import { virtualMachines } from '../machines/definitions/virtual-machine.ts';
import { virtualMachineSnapshotContents } from '../snapshots/definitions/virtual-machine-snapshot-content.ts';
import { virtualMachineSnapshots } from '../snapshots/definitions/virtual-machine-snapshot.ts';
import { volumeSnapshots } from '../snapshots/definitions/volume-snapshot.ts';
import { layerPathOf } from '../snapshots/held.ts';
import { claimVolumes } from '../snapshots/parts.ts';

/** A disk that may be downloaded now. */
export interface OfferedVolume {
  /** Its claim's; for a snapshot's disk, that of the claim that it was taken of. */
  name: string;
  path: string;
  format: DiskFormat;
  claim: Pick<PersistentVolumeClaim, 'spec'>;
}

export interface Offer {
  /** Empty as long as they may not be downloaded. */
  volumes: OfferedVolume[];
  /** Why not. */
  waiting?: { reason: string; message: string };
  /** Nothing will ever come. */
  isEmpty?: true;
  /** The machine that the disks belong to. */
  machineName?: string;
  machine?: Pick<VirtualMachine, 'metadata' | 'spec'>;
}

type Parts = Pick<DiskParts, 'resources' | 'files' | 'jobs'>;

export function offerOf(parts: Parts, { metadata, spec }: VirtualMachineExport): Offer {
  const { namespace = 'default' } = metadata;
  switch (spec.source.kind) {
    case 'VirtualMachine':
      return ofMachine(parts, namespace, spec.source.name);
    case 'VirtualMachineSnapshot':
      return ofSnapshot(parts, namespace, spec.source.name);
    default:
      return ofClaim(parts, namespace, spec.source.name);
  }
}

const waits = (reason: string, message: string): Offer => ({ volumes: [], waiting: { reason, message } });

function ofClaim(parts: Parts, namespace: string, name: string): Offer {
  const claim = parts.resources.get(persistentVolumeClaims, namespace, name);
  if (!claim) return waits('PVCNotFound', `pvc ${namespace}/${name} not found`);
  const found = findDisk(parts, namespace, name);
  if (found.state !== 'ready') return waits('PVCPending', found.state === 'pending' ? found.message : `pvc ${namespace}/${name} is not populated`);
  if (machinesUsing(parts.resources, namespace, name).length > 0) return waits('InUse', `pvc ${namespace}/${name} is in use`);
  return { volumes: [{ name, path: found.file.path, format: found.file.format, claim }] };
}

function ofMachine(parts: Parts, namespace: string, name: string): Offer {
  const { resources } = parts;
  const machine = resources.get(virtualMachines, namespace, name);
  if (!machine) return { ...waits('VMNotFound', `Virtual Machine ${namespace}/${name} not found`), machineName: name };
  const known = { machineName: name, machine };
  const vmi = resources.get(virtualMachineInstances, namespace, name);
  if (vmi && !isFinal(vmi)) return { ...waits('InUse', `Virtual Machine ${namespace}/${name} is running`), ...known };
  const claims = claimVolumes(machine);
  if (claims.length === 0) return { ...waits('NoVolumes', `Virtual Machine ${namespace}/${name} has no volumes`), ...known, isEmpty: true };
  const offers = claims.map(({ claimName }) => ofClaim(parts, namespace, claimName));
  const blocked = offers.find(({ waiting }) => waiting !== undefined);
  if (blocked?.waiting?.reason === 'InUse') return { ...blocked, ...known };
  if (blocked) return { ...waits('VolumesNotPopulated', `Not all volumes in the Virtual Machine ${namespace}/${name} are populated`), ...known };
  return { volumes: offers.flatMap(({ volumes }) => volumes), ...known };
}

function ofSnapshot({ resources, files }: Parts, namespace: string, name: string): Offer {
  const snapshot = resources.get(virtualMachineSnapshots, namespace, name);
  if (!snapshot) return waits('VMSnapshotNotFound', `VirtualMachineSnapshot ${namespace}/${name} not found`);
  const machineName = snapshot.spec.source.name;
  const content = resources.get(virtualMachineSnapshotContents, namespace, snapshot.status?.virtualMachineSnapshotContentName ?? '');
  const machine = content?.spec.source.virtualMachine;
  if (snapshot.status?.readyToUse !== true || !machine) return { ...waits('NotAllPVCsCreated', `VirtualMachineSnapshot ${namespace}/${name} is not ready`), machineName };
  const backups = content.spec.volumeBackups ?? [];
  const none = `VirtualMachineSnapshot ${namespace}/${name} does not contain any volume snapshots`;
  if (backups.length === 0) return { ...waits('NoVolumeSnapshots', none), machineName, machine, isEmpty: true };
  const volumes = backups.flatMap(({ persistentVolumeClaim, volumeSnapshotName = '' }): OfferedVolume[] => {
    const held = resources.get(volumeSnapshots, namespace, volumeSnapshotName);
    const path = held && layerPathOf(files, held);
    const format = path === undefined ? undefined : parseLayerName(path)?.format;
    return path === undefined || format === undefined ? [] : [{ name: persistentVolumeClaim.metadata.name ?? '', path, format, claim: persistentVolumeClaim }];
  });
  if (volumes.length < backups.length) return { ...waits('NotAllPVCsCreated', 'A disk of the snapshot is missing.'), machineName, machine };
  return { volumes, machineName, machine };
}

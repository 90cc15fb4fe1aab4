/** The machine that a backup becomes under its new name, and its disks. Pure. */
import type { DataVolume } from '#shared/kube/cdi.ts';
import type { RunStrategy, VirtualMachine } from '#shared/kube/kubevirt.ts';
import { FILE_SIZE_ANNOTATION, UPLOAD_CONTENT_ANNOTATION } from '#shared/kube/labels.ts';
import { uniqueName } from '#shared/kube/names.ts';
import type { OwnerReference } from '#shared/kube/object.ts';
import { formatBytesQuantity } from '#shared/kube/quantities.ts';
import { volumeSourceName } from '#shared/kube/volume-source.ts';
import type { BackedUpDisk } from './layout.ts';
import type { Manifests } from './manifests.ts';

/** On a machine that is being restored: the task that does it. */
export const RESTORE_ANNOTATION = 'hayloft.io/restored-by';

export interface RestoreTarget {
  name: string;
  namespace: string;
  /** Of the task. */
  taskId: string;
  /** Another machine has its addresses already, so it gets new ones. */
  newIdentity: boolean;
}

/**
 * Names for the new machine's claims: those of old where they are free, with the new machine's name in the place of the
 * old one's.
 * @param taken names that are not free
 * @returns by the names of old
 */
export function claimNames(disks: readonly string[], oldMachine: string, newMachine: string, taken: Iterable<string>): Map<string, string> {
  const used = new Set(taken);
  const names = new Map<string, string>();
  for (const disk of disks) {
    const wanted = disk.startsWith(`${oldMachine}-`) ? `${newMachine}${disk.slice(oldMachine.length)}` : oldMachine === newMachine ? disk : `${newMachine}-${disk}`;
    const name = uniqueName(wanted, used);
    used.add(name);
    names.set(disk, name);
  }
  return names;
}

/** It stays off until its disks are there. */
export function restoredMachine({ machine }: Pick<Manifests, 'machine'>, claims: ReadonlyMap<string, string>, target: RestoreTarget): VirtualMachine {
  const { metadata, spec } = structuredClone(machine);
  const { template } = spec;
  template.spec.volumes = template.spec.volumes?.map((volume) => {
    const claim = claims.get(volumeSourceName(volume) ?? '');
    if (claim === undefined) return volume;
    const { dataVolume, persistentVolumeClaim, ...rest } = volume;
    const hotpluggable = (dataVolume ?? persistentVolumeClaim)?.hotpluggable;
    return { ...rest, dataVolume: { name: claim, ...(hotpluggable === undefined ? {} : { hotpluggable }) } };
  });
  if (target.newIdentity) {
    for (const item of template.spec.domain.devices.interfaces ?? []) delete item.macAddress;
    delete template.spec.domain.firmware?.uuid;
    delete template.spec.domain.firmware?.serial;
  }
  // Its disks are made for it, filled, and no templates any more.
  delete spec.dataVolumeTemplates;
  delete spec.running;
  return {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    metadata: {
      name: target.name,
      namespace: target.namespace,
      ...(metadata.labels ? { labels: metadata.labels } : {}),
      annotations: { ...metadata.annotations, [RESTORE_ANNOTATION]: target.taskId },
    },
    spec: { ...spec, runStrategy: 'Halted' },
  };
}

/** A volume that takes the disk, whatever is on it, and goes with the machine. */
export function restoredDisk(disk: BackedUpDisk, { volumes, machine }: Manifests, name: string, owner: VirtualMachine): DataVolume {
  const { apiVersion, kind, metadata } = owner;
  const reference: OwnerReference = { apiVersion, kind, name: metadata.name ?? '', uid: metadata.uid ?? '' };
  const before = [...volumes, ...(machine.spec.dataVolumeTemplates ?? [])].find((volume) => volume.metadata.name === disk.name)?.spec;
  const { accessModes, volumeMode } = before?.storage ?? before?.pvc ?? {};
  return {
    apiVersion: 'cdi.kubevirt.io/v1beta1',
    kind: 'DataVolume',
    metadata: {
      name,
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      annotations: {
        [UPLOAD_CONTENT_ANNOTATION]: 'disk',
        [FILE_SIZE_ANNOTATION]: String(disk.fileBytes),
        // Nobody starts before the disk is there, and the class may wait for that.
        'cdi.kubevirt.io/storage.bind.immediate.requested': 'true',
      },
      ownerReferences: [reference],
    },
    spec: {
      source: { upload: {} },
      storage: {
        ...(accessModes ? { accessModes } : {}),
        ...(volumeMode ? { volumeMode } : {}),
        resources: { requests: { storage: formatBytesQuantity(disk.sizeBytes) } },
      },
    },
  };
}

/** When it runs, once its disks are there. Unless it is to start it stays off, whatever it did before. */
export function strategyAfter({ spec }: VirtualMachine, start: boolean): RunStrategy {
  const before = spec.runStrategy ?? (spec.running === true ? 'Always' : 'Halted');
  if (start) return before === 'Halted' || before === 'Manual' ? 'RerunOnFailure' : before;
  return before === 'Manual' ? 'Manual' : 'Halted';
}

/** The disks of a restored machine: which there are to be, under which names, each begun as a copy of its snapshot. */
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import type { OwnerReference } from '#shared/kube/object.ts';
import { parseQuantity } from '#shared/kube/quantities.ts';
import type { VirtualMachineRestore, VirtualMachineSnapshotContent, VolumeBackup, VolumeRestore, VolumeSnapshot } from '#shared/kube/snapshot.ts';

export const LAST_RESTORE_ANNOTATION = 'restore.kubevirt.io/lastRestoreUID';
export const RESTORE_NAME_ANNOTATION = 'restore.kubevirt.io/name';
export const POPULATED_FOR_ANNOTATION = 'cdi.kubevirt.io/storage.populatedFor';

/** What belongs to the old claim alone. KubeVirt's own list. */
const droppedAnnotations = ['pv.kubernetes.io', 'volume.beta.kubernetes.io', 'cdi.kubevirt.io', 'volume.kubernetes.io', 'k8s.io/CloneRequest', 'k8s.io/CloneOf'];

/** On everything that a restore has brought back: which restore it was. */
export const restoreMark = ({ metadata }: VirtualMachineRestore): string => `${metadata.name ?? ''}-${metadata.uid ?? ''}`;

export function restoredName({ metadata, spec }: VirtualMachineRestore, volumeName: string, claimName: string): string {
  const given = spec.volumeRestoreOverrides?.find((item) => item.volumeName === volumeName)?.restoreName;
  if (given) return given;
  if (spec.volumeRestorePolicy === 'InPlace') return claimName;
  if (spec.volumeRestorePolicy === 'PrefixTargetName') return `${spec.target.name}-${volumeName}`;
  return `restore-${metadata.uid ?? ''}-${volumeName}`;
}

/** The list in the restore's status. A volume of the machine's own templates gets a DataVolume again. */
export function plannedRestores(restore: VirtualMachineRestore, content: VirtualMachineSnapshotContent): VolumeRestore[] {
  const vm = content.spec.source.virtualMachine;
  return (content.spec.volumeBackups ?? []).map(({ volumeName, persistentVolumeClaim, volumeSnapshotName = '' }) => {
    const name = restoredName(restore, volumeName, persistentVolumeClaim.metadata.name ?? '');
    const dataVolume = vm?.spec.template.spec.volumes?.find((volume) => volume.name === volumeName)?.dataVolume?.name;
    const templated = vm?.spec.dataVolumeTemplates?.some(({ metadata }) => metadata.name === dataVolume) === true;
    return { volumeName, persistentVolumeClaim: name, volumeSnapshotName, ...(templated ? { dataVolumeName: name } : {}) };
  });
}

export interface ClaimInput {
  restore: VirtualMachineRestore;
  planned: VolumeRestore;
  backup: VolumeBackup;
  snapshot: VolumeSnapshot;
  source: { name?: string; namespace?: string };
  /** The machine, when the claim goes with it. */
  owner: OwnerReference | undefined;
}

export function restoredClaim({ restore, planned, backup, snapshot, source, owner }: ClaimInput): PersistentVolumeClaim {
  const { metadata, spec } = backup.persistentVolumeClaim;
  const override = restore.spec.volumeRestoreOverrides?.find((item) => item.volumeName === planned.volumeName);
  const annotations = Object.fromEntries(
    Object.entries(metadata.annotations ?? {}).filter(([key]) => !droppedAnnotations.some((prefix) => key.startsWith(prefix))),
  );
  const dataSource = { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: planned.volumeSnapshotName };
  const { storage = '0' } = spec.resources?.requests ?? {};
  const { restoreSize = '0' } = snapshot.status ?? {};
  const { namespace } = restore.metadata;
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name: planned.persistentVolumeClaim,
      ...(namespace === undefined ? {} : { namespace }),
      labels: {
        ...metadata.labels,
        'restore.kubevirt.io/source-vm-name': source.name ?? '',
        'restore.kubevirt.io/source-vm-namespace': source.namespace ?? '',
        ...override?.labels,
      },
      annotations: {
        ...annotations,
        [RESTORE_NAME_ANNOTATION]: restore.metadata.name ?? '',
        [LAST_RESTORE_ANNOTATION]: restoreMark(restore),
        ...(planned.dataVolumeName === undefined ? {} : { [POPULATED_FOR_ANNOTATION]: planned.dataVolumeName }),
        ...override?.annotations,
      },
      // A claim that is to belong to a DataVolume is taken by it.
      ...(owner && planned.dataVolumeName === undefined ? { ownerReferences: [owner] } : {}),
    },
    spec: {
      ...(spec.accessModes ? { accessModes: spec.accessModes } : {}),
      ...(spec.volumeMode ? { volumeMode: spec.volumeMode } : {}),
      ...(spec.storageClassName === undefined ? {} : { storageClassName: spec.storageClassName }),
      resources: { requests: { storage: (parseQuantity(storage) ?? 0) < (parseQuantity(restoreSize) ?? 0) ? restoreSize : storage } },
      dataSource,
      dataSourceRef: dataSource,
    },
  };
}

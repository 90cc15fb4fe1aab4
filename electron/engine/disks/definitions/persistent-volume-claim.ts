import { isDeepStrictEqual } from 'node:util';
import type { AccessMode, PersistentVolumeClaim, PersistentVolumeClaimSpec } from '#shared/kube/core.ts';
import type { StatusCause } from '#shared/kube/object.ts';
import type { ResourceDefinition } from '../../api/definition.ts';
import { invalid } from '../../api/errors.ts';
import { array, map, object, quantity, string, unsupported } from '../../api/schema.ts';
import { checkRequest, claimSpecFields, conditions, forbidden, requestedBytes } from './claim-fields.ts';

/** Holds a claim until its file is gone, as it holds it on Kubernetes until no pod uses it. */
export const PROTECTION_FINALIZER = 'kubernetes.io/pvc-protection';
/** The folder that the claim's file is in, taken from its storage class once; nobody else may set it. */
export const FOLDER_ANNOTATION = 'hayloft.io/disk-folder';

const shortModes: Record<AccessMode, string> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};

const dataSource = object(
  { apiGroup: string(), kind: string(), name: string(), namespace: unsupported('a snapshot is in the namespace of its claim') },
  { required: ['kind', 'name'], description: 'A VolumeSnapshot that the disk begins as a copy of.' },
);

export const persistentVolumeClaims: ResourceDefinition<PersistentVolumeClaim> = {
  group: '',
  version: 'v1',
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
  singular: 'persistentvolumeclaim',
  shortNames: ['pvc'],
  namespaced: true,
  statusSubresource: true,
  schema: object(
    {
      spec: object({ ...claimSpecFields, dataSource, dataSourceRef: dataSource, volumeName: string() }),
      status: object({ phase: string(), accessModes: array(string()), capacity: map(quantity()), conditions }),
    },
    { required: ['spec'] },
  ),
  columns: [
    { name: 'Name', type: 'string', format: 'name', value: ({ metadata }) => metadata.name },
    { name: 'Status', type: 'string', value: ({ metadata, status }) => (metadata.deletionTimestamp ? 'Terminating' : status?.phase) },
    { name: 'Volume', type: 'string', value: ({ spec }) => spec.volumeName ?? '' },
    { name: 'Capacity', type: 'string', value: ({ status }) => status?.capacity?.storage ?? '' },
    { name: 'Access Modes', type: 'string', value: ({ status }) => (status?.accessModes ?? []).map((mode) => shortModes[mode]).join(',') },
    { name: 'StorageClass', type: 'string', value: ({ spec }) => spec.storageClassName ?? '' },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
    { name: 'VolumeMode', type: 'string', priority: 1, value: ({ spec }) => spec.volumeMode ?? 'Filesystem' },
  ],
  admit: ({ object: claim, old }) => {
    claim.spec.volumeMode ??= 'Filesystem';
    if (old === undefined) protect(claim);
    // Kubernetes fills in each from the other.
    const source = claim.spec.dataSource ?? claim.spec.dataSourceRef;
    if (source) claim.spec = { ...claim.spec, dataSource: source, dataSourceRef: claim.spec.dataSourceRef ?? source };
    const causes = [
      ...(claim.spec.accessModes?.length
        ? []
        : [{ reason: 'FieldValueRequired', field: 'spec.accessModes', message: 'Required value: at least 1 access mode is required' }]),
      ...checkRequest(claim.spec, 'spec', true),
      ...(old === undefined ? checkSource(claim.spec) : []),
      ...(old === undefined ? [] : checkChange(claim, old)),
    ];
    if (causes.length > 0) throw invalid(persistentVolumeClaims, claim.metadata.name ?? '', causes);
  },
};

function protect(claim: PersistentVolumeClaim): void {
  const finalizers = claim.metadata.finalizers ?? [];
  if (!finalizers.includes(PROTECTION_FINALIZER)) claim.metadata.finalizers = [...finalizers, PROTECTION_FINALIZER];
}

function checkSource({ dataSource: given, dataSourceRef: reference = given }: PersistentVolumeClaimSpec): StatusCause[] {
  if (given === undefined) return [];
  const causes: StatusCause[] = [];
  if (given.kind !== 'VolumeSnapshot' || given.apiGroup !== 'snapshot.storage.k8s.io') {
    causes.push(forbidden('spec.dataSource.kind', 'a claim begins empty or as a copy of a VolumeSnapshot of snapshot.storage.k8s.io; all else is done by DataVolumes'));
  }
  if (!isDeepStrictEqual(given, reference)) causes.push(forbidden('spec.dataSourceRef', 'must say the same as dataSource'));
  return causes;
}

/** After creation only the request may change, and only upward; the engine itself sets the volume's name, once. */
function checkChange(next: PersistentVolumeClaim, old: PersistentVolumeClaim): StatusCause[] {
  const causes: StatusCause[] = [];
  const fixed = (spec: PersistentVolumeClaimSpec): object => ({ ...spec, resources: undefined, volumeName: undefined });
  const renamed = old.spec.volumeName !== undefined && next.spec.volumeName !== old.spec.volumeName;
  if (renamed || !isDeepStrictEqual(fixed(next.spec), fixed(old.spec))) {
    causes.push(forbidden('spec', 'a claim cannot be changed after its creation, except that resources.requests may grow'));
  }
  if ((requestedBytes(next.spec) ?? 0) < (requestedBytes(old.spec) ?? 0)) {
    causes.push(forbidden('spec.resources.requests.storage', 'a disk cannot be made smaller than it was asked to be'));
  }
  if (next.metadata.annotations?.[FOLDER_ANNOTATION] !== old.metadata.annotations?.[FOLDER_ANNOTATION]) {
    causes.push(forbidden(`metadata.annotations[${FOLDER_ANNOTATION}]`, 'the disk would not be found any more'));
  }
  return causes;
}

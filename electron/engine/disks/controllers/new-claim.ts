/** The claim that a DataVolume makes for its content. */
import type { DataVolume } from '#shared/kube/cdi.ts';
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '#shared/kube/core.ts';
import type { OwnerReference } from '#shared/kube/object.ts';
import { asRequest, requestedBytes } from '../definitions/claim-fields.ts';

/** On a claim that takes an upload; clients look for it. */
export const UPLOAD_TARGET_ANNOTATION = 'cdi.kubevirt.io/storage.upload.target';
/** On a claim: the volume that it is for. */
export const POPULATED_FOR_ANNOTATION = 'cdi.kubevirt.io/storage.populatedFor';
const CONTENT_TYPE_ANNOTATION = 'cdi.kubevirt.io/storage.contentType';
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** What the volume asks for: in `storage`, where CDI fills in the rest, or in `pvc`, literally. */
export const claimSpecOf = ({ spec }: DataVolume): PersistentVolumeClaimSpec => spec.pvc ?? spec.storage ?? {};

export const volumeReference = ({ apiVersion, kind, metadata: { name = '', uid = '' } }: DataVolume): OwnerReference => ({
  apiVersion,
  kind,
  name,
  uid,
  controller: true,
  blockOwnerDeletion: true,
});

/** @param sourceBytes size of the disk that is cloned: the claim's size where the volume names none */
export function newClaim(volume: DataVolume, storageClassName: string | undefined, sourceBytes = 0): PersistentVolumeClaim {
  const { name = '', namespace, labels, annotations } = volume.metadata;
  const spec = claimSpecOf(volume);
  const copied = Object.fromEntries(Object.entries(annotations ?? {}).filter(([key]) => key !== lastApplied));
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...labels, app: 'containerized-data-importer', 'app.kubernetes.io/managed-by': 'cdi-controller' },
      annotations: {
        ...copied,
        [CONTENT_TYPE_ANNOTATION]: 'kubevirt',
        [POPULATED_FOR_ANNOTATION]: name,
        ...(volume.spec.source?.upload ? { [UPLOAD_TARGET_ANNOTATION]: '' } : {}),
      },
      ownerReferences: [volumeReference(volume)],
    },
    spec: {
      accessModes: spec.accessModes?.length ? spec.accessModes : ['ReadWriteOnce'],
      volumeMode: spec.volumeMode ?? 'Filesystem',
      ...(storageClassName === undefined ? {} : { storageClassName }),
      resources: asRequest(requestedBytes(spec) ?? sourceBytes),
    },
  };
}

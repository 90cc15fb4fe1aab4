/** Rules that need to look around: at storage classes, at other claims, at free space. */
import { statSync } from 'node:fs';
import type { DataVolume } from '#shared/kube/cdi.ts';
import type { PersistentVolumeClaim, StorageClass } from '#shared/kube/core.ts';
import { FILE_SIZE_ANNOTATION } from '#shared/kube/labels.ts';
import { sizeInWords } from '#shared/images/bytes.ts';
import { alreadyExists, invalid, type ResourceName } from '../api/errors.ts';
import type { ResourceDefinition } from '../api/definition.ts';
import type { Resources } from '../store/resources.ts';
import { forbidden, invalidValue, requestedBytes } from './definitions/claim-fields.ts';
import { dataVolumes, PREPOPULATED_ANNOTATION } from './definitions/data-volume.ts';
import { FOLDER_ANNOTATION, persistentVolumeClaims } from './definitions/persistent-volume-claim.ts';
import { isDefaultClass, isDefaultForMachines, storageClasses } from './definitions/storage-class.ts';
import type { ClaimFiles } from './files/claim-files.ts';
import { freeBytesNow } from './files/space.ts';

export interface Surroundings {
  resources: Resources;
  files: ClaimFiles;
}

/** Claims with their class filled in and found. */
export function claimsWithin(around: () => Surroundings): ResourceDefinition<PersistentVolumeClaim> {
  return {
    ...persistentVolumeClaims,
    admit: (admission) => {
      const { object: claim, old } = admission;
      const { resources } = around();
      if (old === undefined) {
        const found = classFor(resources, persistentVolumeClaims, claim, claim.spec.storageClassName, 'spec.storageClassName');
        if (found.metadata.name !== undefined) claim.spec.storageClassName = found.metadata.name;
        const path = found.parameters?.['path'];
        const others = Object.entries(claim.metadata.annotations ?? {}).filter(([key]) => key !== FOLDER_ANNOTATION);
        claim.metadata.annotations = Object.fromEntries(path === undefined ? others : [...others, [FOLDER_ANNOTATION, path]]);
      } else if ((requestedBytes(claim.spec) ?? 0) > (requestedBytes(old.spec) ?? 0)) {
        const found = resources.get(storageClasses, undefined, claim.spec.storageClassName ?? '');
        if (found?.allowVolumeExpansion === false) {
          const causes = [forbidden('spec.resources.requests.storage', 'the storage class does not allow disks to grow')];
          throw invalid(persistentVolumeClaims, claim.metadata.name ?? '', causes);
        }
      }
      persistentVolumeClaims.admit?.(admission);
    },
  };
}

/** DataVolumes whose class is there, whose claim's name is free, and whose content has room. */
export function volumesWithin(around: () => Surroundings): ResourceDefinition<DataVolume> {
  return {
    ...dataVolumes,
    admit: (admission) => {
      dataVolumes.admit?.(admission);
      if (admission.operation !== 'create') return;
      const { object: volume } = admission;
      const { resources, files } = around();
      const part = volume.spec.pvc === undefined ? 'storage' : 'pvc';
      const spec = volume.spec[part];
      const found = classFor(resources, dataVolumes, volume, spec?.storageClassName, `spec.${part}.storageClassName`);
      const isFilled = volume.metadata.annotations?.[PREPOPULATED_ANNOTATION] !== undefined;
      if (!isFilled && resources.get(persistentVolumeClaims, volume.metadata.namespace, volume.metadata.name ?? '')) {
        throw alreadyExists(persistentVolumeClaims, volume.metadata.name ?? '');
      }
      checkSpace(volume, `spec.${part}.resources.requests.storage`, requestedBytes(spec) ?? 0, files.folder(found.parameters?.['path']));
    },
  };
}

/** The class by name, or the default one: for DataVolumes, machines' own default goes first, as in CDI. */
function classFor(
  resources: Resources,
  of: ResourceName,
  object: PersistentVolumeClaim | DataVolume,
  name: string | undefined,
  field: string,
): StorageClass {
  const refuse = (message: string): never => {
    throw invalid(of, object.metadata.name ?? '', [invalidValue(field, name ?? '', message)]);
  };
  if (name !== undefined) {
    return resources.get(storageClasses, undefined, name) ?? refuse('there is no storage class of this name; kubectl get storageclasses lists them');
  }
  const all = resources.list(storageClasses);
  return all.find(isDefaultForMachines) ?? all.find(isDefaultClass) ?? refuse('no storage class is the default one: name one');
}

/** Blank disks and clones take space as they are written; what is brought from elsewhere takes it at once. */
function checkSpace(volume: DataVolume, field: string, requested: number, folder: string): void {
  if (volume.spec.source?.upload === undefined) return;
  const told = Number(volume.metadata.annotations?.[FILE_SIZE_ANNOTATION]);
  const needed = Number.isFinite(told) && told > 0 ? told : requested;
  // Where the folder is not there, the volume waits for it.
  if (statSync(folder, { throwIfNoEntry: false }) === undefined) return;
  const free = freeBytesNow(folder);
  if (needed <= free) return;
  const message = `${sizeInWords(needed)} are needed and ${sizeInWords(free)} are free on the disk`;
  throw invalid(dataVolumes, volume.metadata.name ?? '', [
    { reason: 'no-space', field, message: `Invalid value: ${JSON.stringify(sizeInWords(needed))}: ${message}` },
  ]);
}

import { isAbsolute } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { StorageClass } from '#shared/kube/core.ts';
import type { StatusCause } from '#shared/kube/object.ts';
import type { ResourceDefinition } from '../../api/definition.ts';
import { invalid } from '../../api/errors.ts';
import { boolean, map, object, string, unsupported } from '../../api/schema.ts';
import { forbidden, invalidValue } from './claim-fields.ts';

export const PROVISIONER = 'hayloft.io/local';
export const DEFAULT_CLASS = 'hayloft-local';
const defaultAnnotation = 'storageclass.kubernetes.io/is-default-class';
const defaultForMachines = 'storageclass.kubevirt.io/is-default-virt-class';

export const isDefaultClass = ({ metadata }: StorageClass): boolean => metadata.annotations?.[defaultAnnotation] === 'true';
export const isDefaultForMachines = ({ metadata }: StorageClass): boolean =>
  metadata.annotations?.[defaultForMachines] === 'true';

/** The class that is always there: files in the engine's own data folder. */
export const defaultStorageClass = (): StorageClass => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: DEFAULT_CLASS, annotations: { [defaultAnnotation]: 'true', [defaultForMachines]: 'true' } },
  provisioner: PROVISIONER,
});

export const storageClasses: ResourceDefinition<StorageClass> = {
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'StorageClass',
  plural: 'storageclasses',
  singular: 'storageclass',
  shortNames: ['sc'],
  namespaced: false,
  statusSubresource: false,
  schema: object(
    {
      provisioner: string(),
      parameters: map(string()),
      reclaimPolicy: string({ enum: ['Delete', 'Retain'] }),
      volumeBindingMode: string({ enum: ['Immediate', 'WaitForFirstConsumer'] }),
      allowVolumeExpansion: boolean(),
      mountOptions: unsupported('disks are files that QEMU opens; nothing is mounted'),
      allowedTopologies: unsupported('there is one node'),
    },
    { required: ['provisioner'] },
  ),
  columns: [
    {
      name: 'Name',
      type: 'string',
      format: 'name',
      value: (item) => `${item.metadata.name ?? ''}${isDefaultClass(item) ? ' (default)' : ''}`,
    },
    { name: 'Provisioner', type: 'string', value: ({ provisioner }) => provisioner },
    { name: 'ReclaimPolicy', type: 'string', value: ({ reclaimPolicy }) => reclaimPolicy },
    { name: 'VolumeBindingMode', type: 'string', value: ({ volumeBindingMode }) => volumeBindingMode },
    { name: 'AllowVolumeExpansion', type: 'boolean', value: ({ allowVolumeExpansion }) => allowVolumeExpansion ?? false },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
  ],
  admit: ({ object: next, old }) => {
    next.reclaimPolicy ??= 'Delete';
    next.volumeBindingMode ??= 'Immediate';
    next.allowVolumeExpansion ??= true;
    const causes = old === undefined ? checkNew(next) : checkUnchanged(next, old);
    if (causes.length > 0) throw invalid(storageClasses, next.metadata.name ?? '', causes);
  },
};

function checkNew(next: StorageClass): StatusCause[] {
  const causes: StatusCause[] = [];
  if (next.provisioner !== PROVISIONER) {
    causes.push(invalidValue('provisioner', next.provisioner, `the engine has one provisioner, ${PROVISIONER}`));
  }
  for (const [key, value] of Object.entries(next.parameters ?? {})) {
    if (key !== 'path') causes.push(forbidden(`parameters.${key}`, 'the only parameter is path, a folder for the disks'));
    else if (!isAbsolute(value)) causes.push(invalidValue('parameters.path', value, 'must be an absolute path'));
  }
  if (next.reclaimPolicy !== 'Delete') {
    causes.push(invalidValue('reclaimPolicy', next.reclaimPolicy, 'a disk always goes with its claim here: only Delete'));
  }
  if (next.volumeBindingMode !== 'Immediate') {
    causes.push(invalidValue('volumeBindingMode', next.volumeBindingMode, 'there is one node to bind to: only Immediate'));
  }
  return causes;
}

function checkUnchanged(next: StorageClass, old: StorageClass): StatusCause[] {
  return (['provisioner', 'parameters', 'reclaimPolicy', 'volumeBindingMode'] as const)
    .filter((field) => !isDeepStrictEqual(next[field], old[field]))
    .map((field) => forbidden(field, 'cannot be changed after creation; make another class'));
}

import type { VirtualMachineSnapshotContent } from '#shared/kube/snapshot.ts';
import type { ResourceDefinition } from '../../api/definition.ts';
import { invalid } from '../../api/errors.ts';
import { any, array, boolean, object, string, time } from '../../api/schema.ts';
import { errorSchema, SNAPSHOT_GROUP } from './parts.ts';

/** What a snapshot holds: the machine as it was, and the names of its disks' snapshots. */
export const virtualMachineSnapshotContents: ResourceDefinition<VirtualMachineSnapshotContent> = {
  ...SNAPSHOT_GROUP,
  kind: 'VirtualMachineSnapshotContent',
  plural: 'virtualmachinesnapshotcontents',
  singular: 'virtualmachinesnapshotcontent',
  shortNames: ['vmsnapshotcontent', 'vmsnapshotcontents'],
  categories: ['all'],
  namespaced: true,
  statusSubresource: true,
  schema: object(
    {
      spec: object(
        {
          virtualMachineSnapshotName: string(),
          source: object({ virtualMachine: any() }),
          volumeBackups: array(object({ volumeName: string(), persistentVolumeClaim: any(), volumeSnapshotName: string() })),
        },
        { required: ['source'] },
      ),
      status: object({
        creationTime: time(),
        readyToUse: boolean(),
        error: errorSchema,
        volumeSnapshotStatus: array(
          object({ volumeSnapshotName: string(), creationTime: time(), readyToUse: boolean(), error: errorSchema }),
        ),
      }),
    },
    { required: ['spec'] },
  ),
  columns: [
    { name: 'Name', type: 'string', format: 'name', value: ({ metadata }) => metadata.name },
    { name: 'ReadyToUse', type: 'boolean', value: ({ status }) => status?.readyToUse },
    { name: 'CreationTime', type: 'date', value: ({ status }) => status?.creationTime },
    { name: 'Error', type: 'string', value: ({ status }) => status?.error?.message },
  ],
};

/** As clients see it: contents are made with their snapshots. */
export const servedContents: ResourceDefinition<VirtualMachineSnapshotContent> = {
  ...virtualMachineSnapshotContents,
  admit: ({ operation, object: next }) => {
    if (operation !== 'create') return;
    const message = 'Forbidden: contents are made by the engine: create a VirtualMachineSnapshot';
    throw invalid(virtualMachineSnapshotContents, next.metadata.name ?? '', [{ reason: 'FieldValueForbidden', field: 'spec', message }]);
  },
};

import { isDeepStrictEqual } from 'node:util';
import type { VirtualMachineSnapshot } from '#shared/kube/snapshot.ts';
import type { ResourceDefinition } from '../../api/definition.ts';
import { invalid } from '../../api/errors.ts';
import { array, boolean, object, string, time } from '../../api/schema.ts';
import { durationPattern } from '../../api/representation/go-duration.ts';
import { checkReference, conditionsSchema, errorSchema, immutableSpec, reference, SNAPSHOT_GROUP } from './parts.ts';

/** The state of a machine at one moment: its spec, and all its disks. */
export const virtualMachineSnapshots: ResourceDefinition<VirtualMachineSnapshot> = {
  ...SNAPSHOT_GROUP,
  kind: 'VirtualMachineSnapshot',
  plural: 'virtualmachinesnapshots',
  singular: 'virtualmachinesnapshot',
  shortNames: ['vmsnapshot', 'vmsnapshots'],
  categories: ['all'],
  namespaced: true,
  statusSubresource: true,
  schema: object(
    {
      spec: object(
        {
          source: reference('The machine: apiGroup kubevirt.io, kind VirtualMachine.'),
          deletionPolicy: string({ enum: ['Delete', 'Retain'], description: 'Whether the content goes with the snapshot. Default Delete.' }),
          failureDeadline: string({ pattern: durationPattern, description: 'How long it may take, like 5m0s, which is the default. 0: for ever.' }),
        },
        { required: ['source'] },
      ),
      status: object({
        sourceUID: string(),
        virtualMachineSnapshotContentName: string(),
        creationTime: time(),
        phase: string(),
        readyToUse: boolean(),
        error: errorSchema,
        conditions: conditionsSchema,
        indications: array(string()),
        sourceIndications: array(object({ indication: string(), message: string() })),
        snapshotVolumes: object({ includedVolumes: array(string()), excludedVolumes: array(string()) }),
      }),
    },
    { required: ['spec'] },
  ),
  columns: [
    { name: 'Name', type: 'string', format: 'name', value: ({ metadata }) => metadata.name },
    { name: 'SourceKind', type: 'string', value: ({ spec }) => spec.source.kind },
    { name: 'SourceName', type: 'string', value: ({ spec }) => spec.source.name },
    { name: 'Phase', type: 'string', value: ({ status }) => status?.phase },
    { name: 'ReadyToUse', type: 'boolean', value: ({ status }) => status?.readyToUse },
    { name: 'CreationTime', type: 'date', value: ({ status }) => status?.creationTime },
    { name: 'Error', type: 'string', value: ({ status }) => status?.error?.message },
  ],
  admit: ({ object: next, old }) => {
    const causes = checkReference('spec.source', next.spec.source, ['kubevirt.io/VirtualMachine']);
    if (old && !isDeepStrictEqual(old.spec, next.spec)) causes.push(immutableSpec);
    if (causes.length > 0) throw invalid(virtualMachineSnapshots, next.metadata.name ?? '', causes);
  },
};

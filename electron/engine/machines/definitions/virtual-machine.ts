import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import { findCondition } from '#shared/kube/machine-status.ts';
import type { ResourceDefinition } from '../../api/definition.ts';
import { any, array, boolean, integer, object, string, unsupported } from '../../api/schema.ts';
import { metadataSchema } from '../../api/schema-checks/metadata-schema.ts';
import { typeMatcher } from '../../instancetypes/definitions.ts';
import { conditionList, instanceTemplate } from './instance-spec.ts';

/** A DataVolume, whose own schema judges the spec. */
const volumeTemplate = object(
  { apiVersion: string(), kind: string(), metadata: metadataSchema, spec: any() },
  { required: ['metadata', 'spec'] },
);

/** A machine, running or not. */
export const virtualMachines: ResourceDefinition<VirtualMachine> = {
  group: 'kubevirt.io',
  version: 'v1',
  kind: 'VirtualMachine',
  plural: 'virtualmachines',
  singular: 'virtualmachine',
  shortNames: ['vm', 'vms'],
  categories: ['all'],
  namespaced: true,
  statusSubresource: true,
  schema: object(
    {
      spec: object(
        {
          runStrategy: string({
            enum: ['Always', 'Halted', 'Manual', 'RerunOnFailure', 'Once'],
            description: 'When the machine runs. Not together with running.',
          }),
          running: boolean({ description: 'The older way of saying runStrategy Always or Halted.' }),
          template: instanceTemplate,
          dataVolumeTemplates: array(volumeTemplate, { description: 'Volumes that are made with the machine and deleted with it.' }),
          instancetype: typeMatcher('Gives processors and memory; the template then names none.'),
          preference: typeMatcher('Gives what the template leaves open.'),
          updateVolumesStrategy: unsupported('volumes are changed while the machine is off'),
        },
        { required: ['template'] },
      ),
      status: object({
        created: boolean(),
        ready: boolean(),
        printableStatus: string(),
        runStrategy: string(),
        conditions: conditionList,
        stateChangeRequests: array(any()),
        instancetypeRef: any(),
        preferenceRef: any(),
        startFailure: any(),
        snapshotInProgress: string(),
        restoreInProgress: string(),
        volumeSnapshotStatuses: array(object({ name: string(), enabled: boolean(), reason: string() })),
        observedGeneration: integer(),
        desiredGeneration: integer(),
      }),
    },
    { required: ['spec'] },
  ),
  columns: [
    { name: 'Age', type: 'date', value: (vm) => vm.metadata.creationTimestamp },
    { name: 'Status', type: 'string', value: (vm) => vm.status?.printableStatus ?? '' },
    { name: 'Ready', type: 'string', value: (vm) => findCondition(vm.status?.conditions, 'Ready')?.status ?? '' },
  ],
};

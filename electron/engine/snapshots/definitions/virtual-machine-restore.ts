import { isDeepStrictEqual } from 'node:util';
import type { StatusCause } from '#shared/kube/object.ts';
import type { VirtualMachineRestore } from '#shared/kube/snapshot.ts';
import type { ResourceDefinition } from '../../api/definition.ts';
import { invalid } from '../../api/errors.ts';
import { array, boolean, map, object, string, time } from '../../api/schema.ts';
import { checkReference, conditionsSchema, immutableSpec, reference, SNAPSHOT_GROUP } from './parts.ts';

/** Brings a machine back to what it was in a snapshot, or makes another one of it. */
export const virtualMachineRestores: ResourceDefinition<VirtualMachineRestore> = {
  ...SNAPSHOT_GROUP,
  kind: 'VirtualMachineRestore',
  plural: 'virtualmachinerestores',
  singular: 'virtualmachinerestore',
  shortNames: ['vmrestore', 'vmrestores'],
  categories: ['all'],
  namespaced: true,
  statusSubresource: true,
  schema: object(
    {
      spec: object(
        {
          target: reference('The snapshot’s own machine, which has to be off, or one that is not there yet.'),
          virtualMachineSnapshotName: string(),
          targetReadinessPolicy: string({
            enum: ['StopTarget', 'WaitGracePeriod', 'FailImmediate', 'WaitEventually'],
            description: 'What happens when the machine runs. Default WaitGracePeriod: five minutes, then it fails.',
          }),
          volumeRestorePolicy: string({
            enum: ['RandomizeNames', 'InPlace', 'PrefixTargetName'],
            description: 'How the restored disks are called. Default RandomizeNames.',
          }),
          volumeOwnershipPolicy: string({ enum: ['Vm', 'None'], description: 'Whether disks go with the machine. Default Vm.' }),
          volumeRestoreOverrides: array(
            object({ volumeName: string(), restoreName: string(), labels: map(string()), annotations: map(string()) }),
          ),
          patches: array(string(), { description: 'JSON patch operations, for a machine that is made.' }),
        },
        { required: ['target', 'virtualMachineSnapshotName'] },
      ),
      status: object({
        complete: boolean(),
        restoreTime: time(),
        conditions: conditionsSchema,
        deletedDataVolumes: array(string()),
        restores: array(
          object({ volumeName: string(), persistentVolumeClaim: string(), volumeSnapshotName: string(), dataVolumeName: string() }),
        ),
      }),
    },
    { required: ['spec'] },
  ),
  columns: [
    { name: 'Name', type: 'string', format: 'name', value: ({ metadata }) => metadata.name },
    { name: 'TargetKind', type: 'string', value: ({ spec }) => spec.target.kind },
    { name: 'TargetName', type: 'string', value: ({ spec }) => spec.target.name },
    { name: 'Complete', type: 'boolean', value: ({ status }) => status?.complete },
    { name: 'RestoreTime', type: 'date', value: ({ status }) => status?.restoreTime },
  ],
  admit: ({ object: next, old }) => {
    const causes = [...checkReference('spec.target', next.spec.target, ['kubevirt.io/VirtualMachine']), ...checkOverrides(next), ...checkPatches(next)];
    if (old && !isDeepStrictEqual(old.spec, next.spec)) causes.push(immutableSpec);
    if (causes.length > 0) throw invalid(virtualMachineRestores, next.metadata.name ?? '', causes);
  },
};

const fault = (field: string, message: string): StatusCause => ({ reason: 'FieldValueInvalid', field, message: `Invalid value: ${message}` });

function checkOverrides({ spec }: VirtualMachineRestore): StatusCause[] {
  return (spec.volumeRestoreOverrides ?? []).flatMap(({ volumeName, restoreName, labels, annotations }, index) => {
    const path = `spec.volumeRestoreOverrides[${index}]`;
    if (!volumeName) return [fault(`${path}.volumeName`, 'a volume has to be named')];
    const empty = !restoreName && !labels && !annotations;
    return empty ? [fault(path, 'a restoreName, labels or annotations are needed')] : [];
  });
}

function checkPatches({ spec }: VirtualMachineRestore): StatusCause[] {
  return (spec.patches ?? []).flatMap((text, index) => {
    try {
      const { op, path } = JSON.parse(text) as { op?: unknown; path?: unknown };
      if (typeof op === 'string' && typeof path === 'string') return [];
    } catch {
      // Told below.
    }
    return [fault(`spec.patches[${index}]`, 'must be one operation of a JSON patch, like {"op": "remove", "path": "/spec/running"}')];
  });
}

import type { VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { findCondition } from '#shared/kube/machine-status.ts';
import type { ResourceDefinition } from '../../api/definition.ts';
import { any, array, map, object, string } from '../../api/schema.ts';
import { conditionList, instanceSpec } from './instance-spec.ts';

/** A running machine: one life of it, from start to stop. */
export const virtualMachineInstances: ResourceDefinition<VirtualMachineInstance> = {
  group: 'kubevirt.io',
  version: 'v1',
  kind: 'VirtualMachineInstance',
  plural: 'virtualmachineinstances',
  singular: 'virtualmachineinstance',
  shortNames: ['vmi', 'vmis'],
  categories: ['all'],
  namespaced: true,
  transient: true,
  statusSubresource: true,
  schema: object(
    {
      spec: instanceSpec,
      status: object({
        phase: string(),
        reason: string(),
        nodeName: string(),
        conditions: conditionList,
        interfaces: array(any()),
        guestOSInfo: map(any()),
        fsFreezeStatus: string(),
        volumeStatus: array(any()),
        phaseTransitionTimestamps: array(any()),
        memory: any(),
        currentCPUTopology: any(),
        machine: any(),
        qosClass: string(),
        activePods: map(string()),
      }),
    },
    { required: ['spec'] },
  ),
  columns: [
    { name: 'Age', type: 'date', value: (vmi) => vmi.metadata.creationTimestamp },
    { name: 'Phase', type: 'string', value: (vmi) => vmi.status?.phase ?? '' },
    { name: 'IP', type: 'string', value: (vmi) => vmi.status?.interfaces?.[0]?.ipAddress ?? '' },
    { name: 'NodeName', type: 'string', value: (vmi) => vmi.status?.nodeName ?? '' },
    { name: 'Ready', type: 'string', value: (vmi) => findCondition(vmi.status?.conditions, 'Ready')?.status ?? '' },
    {
      name: 'Live-Migratable',
      type: 'string',
      priority: 1,
      value: (vmi) => findCondition(vmi.status?.conditions, 'LiveMigratable')?.status ?? '',
    },
    { name: 'Paused', type: 'string', priority: 1, value: (vmi) => findCondition(vmi.status?.conditions, 'Paused')?.status ?? '' },
  ],
};

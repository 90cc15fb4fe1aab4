import type { KubeNode } from '#shared/kube/core.ts';
import type { ResourceDefinition } from '../api/definition.ts';
import { any, array, boolean, map, object, quantity, string, time } from '../api/schema.ts';

const rolePrefix = 'node-role.kubernetes.io/';

const roles = ({ metadata }: KubeNode): string =>
  Object.keys(metadata.labels ?? {})
    .filter((label) => label.startsWith(rolePrefix))
    .map((label) => label.slice(rolePrefix.length))
    .join(',') || '<none>';

function state({ spec, status }: KubeNode): string {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  const text = ready === 'True' ? 'Ready' : ready === undefined ? 'Unknown' : 'NotReady';
  return spec?.unschedulable === true ? `${text},SchedulingDisabled` : text;
}

const address = ({ status }: KubeNode, type: string): string =>
  status?.addresses?.find((entry) => entry.type === type)?.address ?? '<none>';

export const nodes: ResourceDefinition<KubeNode> = {
  group: '',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  singular: 'node',
  shortNames: ['no'],
  namespaced: false,
  statusSubresource: true,
  schema: object({
    spec: object({
      unschedulable: boolean(),
      podCIDR: string(),
      podCIDRs: array(string()),
      providerID: string(),
      taints: array(any()),
    }),
    status: object({
      capacity: map(quantity()),
      allocatable: map(quantity()),
      conditions: array(
        object({
          type: string(),
          status: string(),
          reason: string(),
          message: string(),
          lastHeartbeatTime: time(),
          lastTransitionTime: time(),
        }),
        { mergeKey: 'type' },
      ),
      addresses: array(object({ type: string(), address: string() }), { mergeKey: 'type' }),
      nodeInfo: map(string()),
    }),
  }),
  columns: [
    { name: 'Name', type: 'string', format: 'name', value: ({ metadata }) => metadata.name },
    { name: 'Status', type: 'string', value: state },
    { name: 'Roles', type: 'string', value: roles },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
    { name: 'Version', type: 'string', value: ({ status }) => status?.nodeInfo?.kubeletVersion },
    { name: 'Internal-IP', type: 'string', priority: 1, value: (node) => address(node, 'InternalIP') },
    { name: 'External-IP', type: 'string', priority: 1, value: (node) => address(node, 'ExternalIP') },
    { name: 'OS-Image', type: 'string', priority: 1, value: ({ status }) => status?.nodeInfo?.osImage },
    { name: 'Kernel-Version', type: 'string', priority: 1, value: ({ status }) => status?.nodeInfo?.kernelVersion },
    { name: 'Container-Runtime', type: 'string', priority: 1, value: ({ status }) => status?.nodeInfo?.containerRuntimeVersion },
  ],
};

/**
 * `metrics.k8s.io`, as Kubernetes' metrics-server tells it: what the node and each machine use now.
 *
 * Its kinds are about nodes and pods. Here are no pods, but each machine is what its virt-launcher pod would be on a
 * cluster: so it has an entry of that name and with that pod's labels, and what reads one there (`kubectl top pod`,
 * dashboards) reads the same here.
 */
import type { ResourceDefinition } from '../../api/definition.ts';
import { array, map, object, quantity, string, time } from '../../api/schema.ts';
import type { NodeMetrics, PodMetrics } from '#shared/kube/metrics.ts';

const group = 'metrics.k8s.io';
const version = 'v1beta1';
const usage = map(quantity());

export const nodeMetrics: Omit<ResourceDefinition<NodeMetrics>, 'compute'> = {
  group,
  version,
  kind: 'NodeMetrics',
  plural: 'nodes',
  singular: '',
  namespaced: false,
  statusSubresource: false,
  schema: object({ timestamp: time(), window: string(), usage }),
  columns: [
    { name: 'CPU', type: 'string', value: (item) => item.usage.cpu },
    { name: 'Memory', type: 'string', value: (item) => item.usage.memory },
    { name: 'Window', type: 'string', value: (item) => item.window },
  ],
};

export const podMetrics: Omit<ResourceDefinition<PodMetrics>, 'compute'> = {
  group,
  version,
  kind: 'PodMetrics',
  plural: 'pods',
  singular: '',
  namespaced: true,
  statusSubresource: false,
  schema: object({ timestamp: time(), window: string(), containers: array(object({ name: string(), usage })) }),
  columns: [
    { name: 'CPU', type: 'string', value: (item) => item.containers[0]?.usage.cpu },
    { name: 'Memory', type: 'string', value: (item) => item.containers[0]?.usage.memory },
    { name: 'Window', type: 'string', value: (item) => item.window },
  ],
};

/** `Service`: a port of this computer that leads into a guest. Shape: Kubernetes' core/v1. */
import type { Condition, KubeObject } from '#shared/kube/object.ts';
import type { ResourceDefinition } from '../../api/definition.ts';
import { any, array, boolean, integer, intOrString, map, object, string, unsupported } from '../../api/schema.ts';

export type Protocol = 'TCP' | 'UDP';

export interface ServicePort {
  name?: string;
  protocol?: Protocol;
  /** What a LoadBalancer listens on. */
  port: number;
  /** In the guest: a number, or the name of one of the interface's `ports`. */
  targetPort?: number | string;
  /** On this computer. */
  nodePort?: number;
  appProtocol?: string;
}

export interface Service extends KubeObject {
  spec: {
    type?: 'NodePort' | 'LoadBalancer';
    selector?: Record<string, string>;
    ports?: ServicePort[];
    allocateLoadBalancerNodePorts?: boolean;
    publishNotReadyAddresses?: boolean;
    sessionAffinity?: string;
    externalTrafficPolicy?: string;
    internalTrafficPolicy?: string;
    ipFamilies?: string[];
    ipFamilyPolicy?: string;
  };
  status?: {
    loadBalancer?: { ingress?: { ip: string; ports?: { port: number; protocol: Protocol; error?: string }[] }[] };
    conditions?: Condition[];
  };
}

const noClusterNetwork = 'there is no network between machines to have an address in: use type NodePort or LoadBalancer';
const ownAddress = 'the engine listens on this computer’s own addresses: choose one by the annotation hayloft.io/listen-address';

const portList = ({ spec }: Service): string =>
  (spec.ports ?? [])
    .map(({ port, nodePort, protocol = 'TCP' }) => `${port}${nodePort === undefined ? '' : `:${nodePort}`}/${protocol}`)
    .join(',');

const externalIp = ({ spec, status }: Service): string => {
  const addresses = status?.loadBalancer?.ingress?.map(({ ip }) => ip) ?? [];
  if (addresses.length > 0) return addresses.join(',');
  return spec.type === 'LoadBalancer' ? '<pending>' : '<none>';
};

export const services: ResourceDefinition<Service> = {
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  singular: 'service',
  shortNames: ['svc'],
  categories: ['all'],
  namespaced: true,
  statusSubresource: true,
  schema: object(
    {
      spec: object(
        {
          type: string({ enum: ['NodePort', 'LoadBalancer'], description: 'How it is reached: there is no cluster network for ClusterIP.' }),
          selector: map(string(), { description: 'Labels of the VirtualMachineInstance that answers.' }),
          ports: array(
            object(
              {
                name: string({ pattern: '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?' }),
                protocol: string({ enum: ['TCP', 'UDP'] }),
                port: integer({ minimum: 1, maximum: 65_535 }),
                targetPort: intOrString(),
                nodePort: integer({ minimum: 0, maximum: 65_535 }),
                appProtocol: string(),
              },
              { required: ['port'] },
            ),
            { mergeKey: 'port' },
          ),
          allocateLoadBalancerNodePorts: boolean(),
          publishNotReadyAddresses: boolean(),
          sessionAffinity: string({ enum: ['None', 'ClientIP'], description: 'One machine answers at a time, so both hold.' }),
          externalTrafficPolicy: string({ enum: ['Cluster'], description: 'QEMU hides who calls, as Cluster does.' }),
          internalTrafficPolicy: string({ enum: ['Cluster'] }),
          ipFamilies: array(string({ enum: ['IPv4'] }), { set: true }),
          ipFamilyPolicy: string({ enum: ['SingleStack', 'PreferDualStack'] }),
          clusterIP: unsupported(noClusterNetwork),
          clusterIPs: unsupported(noClusterNetwork),
          externalIPs: unsupported(ownAddress),
          externalName: unsupported('names are not served here'),
          loadBalancerIP: unsupported(ownAddress),
          loadBalancerClass: unsupported('the engine is the only load balancer here'),
          loadBalancerSourceRanges: unsupported('callers are not told apart: use the firewall of this computer'),
          sessionAffinityConfig: unsupported('one machine answers at a time'),
          healthCheckNodePort: unsupported('no health checks are answered'),
          trafficDistribution: unsupported('one machine answers at a time'),
        },
        { required: ['ports'] },
      ),
      status: object({ loadBalancer: any(), conditions: any() }),
    },
    { required: ['spec'] },
  ),
  columns: [
    { name: 'Name', type: 'string', format: 'name', value: ({ metadata }) => metadata.name },
    { name: 'Type', type: 'string', value: ({ spec }) => spec.type },
    { name: 'Cluster-IP', type: 'string', value: () => '<none>' },
    { name: 'External-IP', type: 'string', value: externalIp },
    { name: 'Port(s)', type: 'string', value: portList },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
    {
      name: 'Selector',
      type: 'string',
      priority: 1,
      value: ({ spec }) =>
        Object.entries(spec.selector ?? {})
          .map(([key, value]) => `${key}=${value}`)
          .join(',') || '<none>',
    },
  ],
};

import type { KubeObject } from '#shared/kube/object.ts';
import type { ResourceDefinition } from '../api/definition.ts';
import { integer, object, string, time } from '../api/schema.ts';

export interface Lease extends KubeObject {
  spec?: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
  };
}

export const leases: ResourceDefinition<Lease> = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  singular: 'lease',
  namespaced: true,
  statusSubresource: false,
  schema: object({
    spec: object({
      holderIdentity: string(),
      leaseDurationSeconds: integer({ minimum: 1 }),
      acquireTime: time(),
      renewTime: time(),
      leaseTransitions: integer({ minimum: 0 }),
      preferredHolder: string(),
      strategy: string(),
    }),
  }),
  columns: [
    { name: 'Name', type: 'string', format: 'name', value: ({ metadata }) => metadata.name },
    { name: 'Holder', type: 'string', value: ({ spec }) => spec?.holderIdentity },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
  ],
};

/** Namespaces. The store itself deletes what is in them. */
import type { Namespace } from '#shared/kube/core.ts';
import type { ResourceDefinition } from '../api/definition.ts';
import { array, object, string } from '../api/schema.ts';

type StoredNamespace = Namespace & { spec?: { finalizers?: string[] } };

export const namespaces: ResourceDefinition<StoredNamespace> = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  singular: 'namespace',
  shortNames: ['ns'],
  namespaced: false,
  statusSubresource: true,
  schema: object({
    spec: object({ finalizers: array(string()) }),
    status: object({ phase: string({ enum: ['Active', 'Terminating'] }) }),
  }),
  columns: [
    { name: 'Name', type: 'string', format: 'name', value: ({ metadata }) => metadata.name },
    { name: 'Status', type: 'string', value: ({ status }) => status?.phase },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
  ],
  admit: ({ operation, object: namespace }) => {
    const { metadata } = namespace;
    metadata.labels = { ...metadata.labels, 'kubernetes.io/metadata.name': metadata.name ?? '' };
    if (operation === 'update') return;
    namespace.spec = { finalizers: ['kubernetes'] };
    namespace.status = { phase: 'Active' };
  },
};

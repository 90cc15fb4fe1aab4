/** Pods: there are none and never will be. The kind is known so that what lists them (`kubectl describe node`) works. */
import type { ResourceDefinition } from '../api/definition.ts';
import { ApiError } from '../api/errors.ts';
import { any, object } from '../api/schema.ts';

export const pods: ResourceDefinition = {
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  singular: 'pod',
  shortNames: ['po'],
  namespaced: true,
  statusSubresource: true,
  schema: object({ spec: any(), status: any() }),
  admit: ({ object: { metadata } }) => {
    const name = metadata.name ?? '';
    const message = `pods "${name}" is forbidden: this engine runs virtual machines and no containers. A cluster node runs both.`;
    throw new ApiError(403, 'Forbidden', message, { name, kind: 'pods' });
  },
};

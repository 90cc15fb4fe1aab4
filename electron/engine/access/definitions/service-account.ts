/** ServiceAccount: a name that tokens are made for. */
import type { KubeObject } from '#shared/kube/object.ts';
import type { ResourceDefinition } from '../../api/definition.ts';
import { object, unsupported } from '../../api/schema.ts';

export const serviceAccounts: ResourceDefinition = {
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  singular: 'serviceaccount',
  shortNames: ['sa'],
  namespaced: true,
  statusSubresource: false,
  schema: object({
    secrets: unsupported('tokens are kept as digests and never in Secrets: use kubectl create token'),
    imagePullSecrets: unsupported('no images are pulled from registries'),
    automountServiceAccountToken: unsupported('guests are given no tokens'),
  }),
  columns: [
    { name: 'Name', type: 'string', format: 'name', value: ({ metadata }: KubeObject) => metadata.name },
    { name: 'Age', type: 'date', value: ({ metadata }: KubeObject) => metadata.creationTimestamp },
  ],
};

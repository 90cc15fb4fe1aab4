/** AccessToken: what the engine keeps of a token, which is everything but the token. Deleting it revokes the token. */
import type { KubeObject, StatusCause } from '#shared/kube/object.ts';
import type { ResourceDefinition } from '../../api/definition.ts';
import { invalid } from '../../api/errors.ts';
import { object, string, time } from '../../api/schema.ts';

export interface AccessToken extends KubeObject {
  spec: {
    /** Of the same namespace. */
    serviceAccountName: string;
    /** SHA-256 of the token, in hex. */
    digest: string;
    /** Absent: it is good until it is deleted. */
    expirationTimestamp?: string;
  };
  status?: { lastUsedTime?: string; lastUsedFrom?: string };
}

export const accessTokens: ResourceDefinition<AccessToken> = {
  group: 'access.hayloft.io',
  version: 'v1',
  kind: 'AccessToken',
  plural: 'accesstokens',
  singular: 'accesstoken',
  namespaced: true,
  statusSubresource: true,
  schema: object(
    {
      spec: object(
        { serviceAccountName: string(), digest: string({ pattern: '[0-9a-f]{64}' }), expirationTimestamp: time() },
        { required: ['serviceAccountName', 'digest'] },
      ),
      status: object({ lastUsedTime: time(), lastUsedFrom: string() }),
    },
    { required: ['spec'] },
  ),
  columns: [
    { name: 'Name', type: 'string', format: 'name', value: ({ metadata }) => metadata.name },
    { name: 'Account', type: 'string', value: ({ spec }) => spec.serviceAccountName },
    { name: 'Expires', type: 'string', value: ({ spec }) => spec.expirationTimestamp ?? 'never' },
    { name: 'Last used', type: 'date', value: ({ status }) => status?.lastUsedTime },
    { name: 'From', type: 'string', priority: 1, value: ({ status }) => status?.lastUsedFrom },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
  ],
  admit: ({ object: next, old }) => {
    const fields = old ? (['serviceAccountName', 'digest'] as const) : [];
    const causes: StatusCause[] = fields
      .filter((field) => next.spec[field] !== old?.spec[field])
      .map((field) => ({ reason: 'FieldValueInvalid', field: `spec.${field}`, message: `Invalid value: ${JSON.stringify(next.spec[field])}: field is immutable` }));
    if (causes.length > 0) throw invalid(accessTokens, next.metadata.name ?? '', causes);
  },
};

import type { Secret } from '#shared/kube/core.ts';
import type { StatusCause } from '#shared/kube/object.ts';
import type { ResourceDefinition } from '../api/definition.ts';
import { invalid } from '../api/errors.ts';
import { boolean, map, object, string } from '../api/schema.ts';
import { checkBase64, checkImmutable, checkKeys, checkSize } from './key-values.ts';

/** Keys that Kubernetes' own types must have. */
const requiredKeys: ReadonlyMap<string, readonly string[]> = new Map([
  ['kubernetes.io/tls', ['tls.crt', 'tls.key']],
  ['kubernetes.io/ssh-auth', ['ssh-privatekey']],
  ['kubernetes.io/dockerconfigjson', ['.dockerconfigjson']],
]);

export const secrets: ResourceDefinition<Secret> = {
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  singular: 'secret',
  namespaced: true,
  statusSubresource: false,
  schema: object({ type: string(), data: map(string()), stringData: map(string()), immutable: boolean() }),
  columns: [
    { name: 'Name', type: 'string', format: 'name', value: ({ metadata }) => metadata.name },
    { name: 'Type', type: 'string', value: ({ type }) => type },
    { name: 'Data', type: 'integer', value: ({ data }) => Object.keys(data ?? {}).length },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
  ],
  admit: ({ object: next, old }) => {
    foldStringData(next);
    next.type ??= old?.type ?? 'Opaque';
    const causes = [
      ...checkType(next, old),
      ...checkKeys('data', next.data),
      ...checkBase64('data', next.data),
      ...checkSize('data', next.data),
      ...checkImmutable(old, next, ['data']),
    ];
    if (causes.length > 0) throw invalid(secrets, next.metadata.name ?? '', causes);
  },
};

/** `stringData` is for writing only: it goes into `data` and wins over it. */
function foldStringData(secret: Secret): void {
  for (const [key, text] of Object.entries(secret.stringData ?? {})) {
    secret.data = { ...secret.data, [key]: Buffer.from(text).toString('base64') };
  }
  delete secret.stringData;
}

function checkType(next: Secret, old: Secret | undefined): StatusCause[] {
  if (old && next.type !== old.type) {
    return [{ reason: 'FieldValueInvalid', field: 'type', message: `Invalid value: ${JSON.stringify(next.type)}: field is immutable` }];
  }
  return (requiredKeys.get(next.type ?? '') ?? [])
    .filter((key) => next.data?.[key] === undefined)
    .map((key) => ({ reason: 'FieldValueRequired', field: `data[${key}]`, message: `Required value: a secret of type ${next.type ?? ''} has it` }));
}

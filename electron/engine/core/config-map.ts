import type { ConfigMap } from '#shared/kube/core.ts';
import type { ResourceDefinition } from '../api/definition.ts';
import { invalid } from '../api/errors.ts';
import { boolean, map, object, string } from '../api/schema.ts';
import { checkBase64, checkImmutable, checkKeys, checkSize } from './key-values.ts';

const countOf = (values: Record<string, string> | undefined): number => Object.keys(values ?? {}).length;

export const configMaps: ResourceDefinition<ConfigMap> = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  singular: 'configmap',
  shortNames: ['cm'],
  namespaced: true,
  statusSubresource: false,
  schema: object({ data: map(string()), binaryData: map(string()), immutable: boolean() }),
  columns: [
    { name: 'Name', type: 'string', format: 'name', value: ({ metadata }) => metadata.name },
    { name: 'Data', type: 'integer', value: ({ data, binaryData }) => countOf(data) + countOf(binaryData) },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
  ],
  admit: ({ object: next, old }) => {
    const causes = [
      ...checkKeys('data', next.data),
      ...checkKeys('binaryData', next.binaryData),
      ...checkBase64('binaryData', next.binaryData),
      ...checkSize('data', next.data, next.binaryData),
      ...checkImmutable(old, next, ['data', 'binaryData']),
      ...Object.keys(next.binaryData ?? {})
        .filter((key) => next.data?.[key] !== undefined)
        .map((key) => ({ reason: 'FieldValueInvalid', field: `binaryData[${key}]`, message: 'Invalid value: the key is in data, too' })),
    ];
    if (causes.length > 0) throw invalid(configMaps, next.metadata.name ?? '', causes);
  },
};

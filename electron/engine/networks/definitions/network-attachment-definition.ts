/** `NetworkAttachmentDefinition`: a network of this computer that guests can be on. Shape: Multus' k8s.cni.cncf.io/v1. */
import type { KubeObject } from '#shared/kube/object.ts';
import type { ResourceDefinition } from '../../api/definition.ts';
import { invalid } from '../../api/errors.ts';
import { object, string } from '../../api/schema.ts';
import { ConfigFault, parseConfig } from '../attachments/config.ts';

export interface NetworkAttachmentDefinition extends KubeObject {
  spec: { config: string };
}

/** Whether guests can be put on it now: `true` or `false`. The kind has no status. */
export const READY_ANNOTATION = 'hayloft.io/network-ready';
/** Why not, and what to do. */
export const REASON_ANNOTATION = 'hayloft.io/network-reason';

export const networkAttachmentDefinitions: ResourceDefinition<NetworkAttachmentDefinition> = {
  group: 'k8s.cni.cncf.io',
  version: 'v1',
  kind: 'NetworkAttachmentDefinition',
  plural: 'network-attachment-definitions',
  singular: 'network-attachment-definition',
  shortNames: ['net-attach-def', 'nad'],
  namespaced: true,
  statusSubresource: false,
  schema: object({ spec: object({ config: string({ description: 'CNI configuration of type bridge or macvtap, as JSON.' }) }, { required: ['config'] }) }, { required: ['spec'] }),
  columns: [
    { name: 'Name', type: 'string', format: 'name', value: ({ metadata }) => metadata.name },
    { name: 'Ready', type: 'string', value: ({ metadata }) => metadata.annotations?.[READY_ANNOTATION] ?? '' },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
    { name: 'Reason', type: 'string', priority: 1, value: ({ metadata }) => metadata.annotations?.[REASON_ANNOTATION] ?? '' },
  ],
  admit: ({ object: { metadata, spec } }) => {
    try {
      parseConfig(spec.config);
    } catch (error) {
      if (!(error instanceof ConfigFault)) throw error;
      const field = error.field === '' ? 'spec.config' : `spec.config.${error.field}`;
      throw invalid(networkAttachmentDefinitions, metadata.name ?? '', [{ reason: 'FieldValueInvalid', field, message: error.message }]);
    }
  },
};

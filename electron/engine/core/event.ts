import type { KubeEvent, ObjectReference } from '#shared/kube/core.ts';
import type { ResourceDefinition } from '../api/definition.ts';
import { any, integer, object, string, time } from '../api/schema.ts';

const reference = object({
  apiVersion: string(),
  kind: string(),
  namespace: string(),
  name: string(),
  uid: string(),
  resourceVersion: string(),
  fieldPath: string(),
});

const nameOf = ({ kind = '', name = '' }: ObjectReference): string => `${kind.toLowerCase()}/${name}`;

export const events: ResourceDefinition<KubeEvent> = {
  group: '',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  singular: 'event',
  shortNames: ['ev'],
  namespaced: true,
  transient: true,
  statusSubresource: false,
  schema: object(
    {
      involvedObject: reference,
      related: reference,
      reason: string(),
      message: string(),
      type: string(),
      count: integer(),
      firstTimestamp: time(),
      lastTimestamp: time(),
      eventTime: time(),
      source: object({ component: string(), host: string() }),
      reportingComponent: string(),
      reportingInstance: string(),
      action: string(),
      series: any(),
    },
    { required: ['involvedObject'] },
  ),
  columns: [
    {
      name: 'Last Seen',
      type: 'date',
      value: (event) => event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp,
    },
    { name: 'Type', type: 'string', value: ({ type }) => type },
    { name: 'Reason', type: 'string', value: ({ reason }) => reason },
    { name: 'Object', type: 'string', value: ({ involvedObject }) => nameOf(involvedObject) },
    { name: 'Source', type: 'string', priority: 1, value: ({ source }) => source?.component },
    { name: 'Message', type: 'string', value: ({ message }) => message },
    { name: 'First Seen', type: 'date', priority: 1, value: ({ firstTimestamp }) => firstTimestamp },
    { name: 'Count', type: 'integer', priority: 1, value: ({ count }) => count },
    { name: 'Name', type: 'string', format: 'name', priority: 1, value: ({ metadata }) => metadata.name },
  ],
};

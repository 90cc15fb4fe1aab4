/** `metadata` (meta/v1 ObjectMeta), the same for every kind. */
import { any, array, boolean, integer, map, object, string, time } from '../schema.ts';

const text = string();

export const metadataSchema = object({
  name: string({ description: 'Unique within its namespace; cannot be changed.' }),
  generateName: string({ description: 'A prefix that the server completes to a name.' }),
  namespace: text,
  uid: text,
  resourceVersion: string({ description: 'Changes with every change; send it back to be told of a conflict.' }),
  generation: integer(),
  creationTimestamp: time(),
  deletionTimestamp: time(),
  deletionGracePeriodSeconds: integer(),
  selfLink: text,
  labels: map(text, { description: 'By which objects are selected.' }),
  annotations: map(text, { description: 'Notes of people and programs.' }),
  ownerReferences: array(
    object(
      {
        apiVersion: text,
        kind: text,
        name: text,
        uid: text,
        controller: boolean(),
        blockOwnerDeletion: boolean(),
      },
      { required: ['apiVersion', 'kind', 'name', 'uid'] },
    ),
    { mergeKey: 'uid', description: 'When all of them are gone, this object goes, too.' },
  ),
  finalizers: array(text, { set: true, description: 'The object stays until this list is empty.' }),
  managedFields: array(any()),
});

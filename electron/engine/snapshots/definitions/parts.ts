/** What the kinds of this folder share. */
import type { StatusCause } from '#shared/kube/object.ts';
import type { SourceReference } from '#shared/kube/snapshot.ts';
import { any, array, object, string, time, type ObjectSchema } from '../../api/schema.ts';

export const SNAPSHOT_GROUP = { group: 'snapshot.kubevirt.io', version: 'v1beta1' };

export const reference = (description: string): ObjectSchema =>
  object({ apiGroup: string(), kind: string(), name: string() }, { required: ['kind', 'name'], description });

export const errorSchema = object({ time: time(), message: string() });
export const conditionsSchema = array(
  object({ type: string(), status: string(), reason: string(), message: string(), lastTransitionTime: time(), lastProbeTime: any() }),
  { mergeKey: 'type' },
);

/** @param kinds what may be named, as `group/Kind` */
export function checkReference(path: string, { apiGroup = '', kind, name }: SourceReference, kinds: readonly string[]): StatusCause[] {
  const causes: StatusCause[] = [];
  if (!kinds.includes(`${apiGroup}/${kind}`)) {
    const message = `Invalid value: "${kind}" of "${apiGroup}": must be ${kinds.map((text) => text.split('/').toReversed().join(' of ')).join(', ')}`;
    causes.push({ reason: 'FieldValueInvalid', field: `${path}.kind`, message });
  }
  if (name === '') causes.push({ reason: 'FieldValueRequired', field: `${path}.name`, message: 'Required value: a name' });
  return causes;
}

export const immutableSpec: StatusCause = { reason: 'FieldValueForbidden', field: 'spec', message: 'Forbidden: spec in immutable after creation' };

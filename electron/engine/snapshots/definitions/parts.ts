/** What the kinds of this folder share. */
import type { StatusCause } from '#shared/kube/object.ts';
import type { SourceReference } from '#shared/kube/snapshot.ts';
import { any, array, object, string, time, type ObjectSchema } from '../../api/schema.ts';

export const SNAPSHOT_GROUP = { group: 'snapshot.kubevirt.io', version: 'v1beta1' };

/** A duration as Go writes it. */
export const durationPattern = '([0-9]+(\\.[0-9]+)?(h|m|s|ms|us|ns))+|0';

const units: Record<string, number> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 0.001, ns: 0.000_001 };

/** @param text like `5m0s`. @returns milliseconds */
export const durationMs = (text: string): number =>
  [...text.matchAll(/([0-9.]+)(ms|us|ns|h|m|s)/g)].reduce((sum, [, count, unit]) => sum + Number(count) * (units[unit ?? ''] ?? 0), 0);

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

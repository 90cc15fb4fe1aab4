/** Fields that claims, DataVolumes and storage classes share: their schema and their rules. */
import { formatBytesQuantity, parseQuantity } from '#shared/kube/quantities.ts';
import type { StatusCause } from '#shared/kube/object.ts';
import { array, map, object, quantity, string, time, unsupported, type ObjectSchema, type Schema } from '../../api/schema.ts';

const noPopulators = 'a DataVolume says in spec.source what it is filled with';

/** A claim's spec, and what DataVolumes repeat of it. */
export const claimSpecFields: Record<string, Schema> = {
  accessModes: array(string({ enum: ['ReadWriteOnce', 'ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOncePod'] })),
  volumeMode: string({ enum: ['Filesystem', 'Block'] }),
  storageClassName: string(),
  resources: object({ requests: map(quantity()), limits: map(quantity()) }),
  selector: unsupported('there are no volumes to select from: the engine makes one for each claim'),
  dataSource: unsupported(noPopulators),
  dataSourceRef: unsupported(noPopulators),
  volumeAttributesClassName: unsupported('volumes have no attributes to choose here'),
};

/** Conditions as most kinds have them. */
export const conditions: Schema = array(
  object({
    type: string(),
    status: string(),
    reason: string(),
    message: string(),
    lastTransitionTime: time(),
    lastProbeTime: time(),
    lastHeartbeatTime: time(),
  }),
  { mergeKey: 'type' },
);

export const emptyObject: ObjectSchema = object({});

/** A request in bytes, rounded up to whole sectors as every disk is; undefined where there is none. */
export function requestedBytes(spec: { resources?: { requests?: { storage?: string } } } | undefined): number | undefined {
  const bytes = parseQuantity(spec?.resources?.requests?.storage);
  return bytes === undefined ? undefined : Math.ceil(bytes / 512) * 512;
}

/** A number of bytes as it stands in a request. */
export const asRequest = (bytes: number): { requests: { storage: string } } => ({
  requests: { storage: formatBytesQuantity(Math.ceil(bytes / 512) * 512) },
});

/** What is wrong with a request for storage at `path`. */
export function checkRequest(
  spec: { resources?: { requests?: { storage?: string } } } | undefined,
  path: string,
  required: boolean,
): StatusCause[] {
  const text = spec?.resources?.requests?.storage;
  const field = `${path}.resources.requests.storage`;
  if (text === undefined) {
    return required ? [{ reason: 'FieldValueRequired', field, message: 'Required value: how large the disk is to be' }] : [];
  }
  const bytes = parseQuantity(text);
  if (bytes !== undefined && bytes >= 1 && bytes <= 2 ** 50) return [];
  const message = `Invalid value: ${JSON.stringify(text)}: must be a size above zero and at most 1Pi`;
  return [{ reason: 'FieldValueInvalid', field, message }];
}

export const forbidden = (field: string, message: string): StatusCause => ({
  reason: 'FieldValueForbidden',
  field,
  message: `Forbidden: ${message}`,
});
export const invalidValue = (field: string, value: unknown, message: string): StatusCause => ({
  reason: 'FieldValueInvalid',
  field,
  message: `Invalid value: ${JSON.stringify(value)}: ${message}`,
});

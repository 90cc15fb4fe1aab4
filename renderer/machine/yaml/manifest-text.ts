/** A definition as text to edit, and back. Pure. */
import { parse, stringify } from 'yaml';
import { without } from './without.ts';

export interface Shown {
  managedFields: boolean;
  status: boolean;
}

interface Manifest {
  metadata?: Record<string, unknown>;
  status?: unknown;
  [key: string]: unknown;
}

/** What `kubectl apply` keeps for its next run: a copy of the whole, which nobody edits by hand. */
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

const annotationsOf = (metadata: Manifest['metadata']): Record<string, unknown> => (metadata?.['annotations'] ?? {}) as Record<string, unknown>;

/** @param shown what else is shown than what can be changed; what is kept for programs goes with `managedFields` */
export function toText(object: unknown, shown: Shown): string {
  const { status, metadata, ...rest } = object as Manifest;
  const { managedFields, ...whole } = metadata ?? {};
  const meta = shown.managedFields ? whole : withoutLastApplied(whole);
  const { apiVersion, kind, ...body } = rest;
  return stringify(
    {
      ...{ apiVersion, kind },
      metadata: shown.managedFields && managedFields !== undefined ? { ...meta, managedFields } : meta,
      ...body,
      ...(shown.status && status !== undefined ? { status } : {}),
    },
    { lineWidth: 0 },
  );
}

function withoutLastApplied(metadata: Record<string, unknown>): Record<string, unknown> {
  const { [lastApplied]: hidden, ...annotations } = annotationsOf(metadata);
  if (hidden === undefined) return metadata;
  const others = without(metadata, 'annotations');
  return Object.keys(annotations).length === 0 ? others : { ...others, annotations };
}

/**
 * What is to be sent: status and managedFields are the cluster's own, and what was not shown comes along as it was.
 * @param base what the text was made from
 * @throws when it is no YAML, or no object
 */
export function toManifest(text: string, base: unknown): Manifest {
  const value: unknown = parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('A definition is an object: apiVersion, kind, metadata, spec.');
  const rest = without(value as Manifest, 'status') as Manifest;
  const metadata = without(rest.metadata ?? {}, 'managedFields');
  const kept = annotationsOf((base as Manifest).metadata)[lastApplied];
  const annotations = annotationsOf(metadata);
  if (kept === undefined || lastApplied in annotations) return { ...rest, metadata };
  return { ...rest, metadata: { ...metadata, annotations: { ...annotations, [lastApplied]: kept } } };
}

/** What others' changes are compared in: without what the cluster counts on its own. */
export function comparable(object: unknown): unknown {
  const rest = without(object as Manifest, 'status') as Manifest;
  const metadata = without(rest.metadata ?? {}, 'managedFields', 'resourceVersion', 'generation');
  return { ...rest, metadata };
}

/** The text as it was typed, of a newer revision. A revision that was typed by hand stays. @param base what the text was made from */
export function withRevision(text: string, base: unknown, newer: unknown): string {
  return (['resourceVersion', 'generation'] as const).reduce((written, field) => {
    const [old, now] = [base, newer].map((object) => (object as Manifest).metadata?.[field]);
    return old === undefined ? written : written.replace(line(field, old), () => line(field, now));
  }, text);
}

const line = (field: string, value: unknown): string => `\n  ${stringify({ [field]: value })}`;

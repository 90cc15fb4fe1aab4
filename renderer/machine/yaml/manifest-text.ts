/** A definition as text to edit, and back. Pure. */
import { parse, stringify } from 'yaml';

export interface Shown {
  managedFields: boolean;
  status: boolean;
}

interface Manifest {
  metadata?: Record<string, unknown>;
  status?: unknown;
  [key: string]: unknown;
}

/** @param shown what else is shown than what can be changed */
export function toText(object: unknown, shown: Shown): string {
  const { status, metadata, ...rest } = object as Manifest;
  const { managedFields, ...meta } = metadata ?? {};
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

/** What is to be sent: status and managedFields are the cluster's own. @throws when it is no YAML, or no object */
export function toManifest(text: string): Manifest {
  const value: unknown = parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('A definition is an object: apiVersion, kind, metadata, spec.');
  const { status: _status, ...rest } = value as Manifest;
  const { managedFields: _fields, ...metadata } = rest.metadata ?? {};
  return { ...rest, metadata };
}

/** What others' changes are compared in: without what the cluster counts on its own. */
export function comparable(object: unknown): unknown {
  const { status: _status, ...rest } = object as Manifest;
  const { managedFields: _fields, resourceVersion: _version, generation: _generation, ...metadata } = rest.metadata ?? {};
  return { ...rest, metadata };
}

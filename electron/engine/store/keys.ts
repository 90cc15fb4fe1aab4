/** How objects are found in the tables. */
import type { KubeObject } from '#shared/kube/object.ts';
import type { AnyDefinition } from '../api/definition.ts';

export interface KindKey {
  group: string;
  plural: string;
}

export interface ObjectKey extends KindKey {
  /** Empty for cluster-scoped kinds. */
  namespace: string;
  name: string;
}

/** A stored object as it lies in its table. */
export interface Row {
  id: number;
  api_group: string;
  plural: string;
  namespace: string;
  name: string;
  uid: string;
  revision: number;
  value: string;
}

export const parseRow = (row: Pick<Row, 'value'>): KubeObject => JSON.parse(row.value) as KubeObject;

/** A copy that shares nothing and holds what JSON holds: the form in which objects are compared and kept. */
export const copyOf = <T extends KubeObject>(object: T): T => JSON.parse(JSON.stringify(object)) as T;

export const keyOf = (of: AnyDefinition, namespace: string | undefined, name: string): ObjectKey => ({
  group: of.group,
  plural: of.plural,
  namespace: of.namespaced ? (namespace ?? 'default') : '',
  name,
});

export const apiVersionOf = (of: { group: string; version: string }): string =>
  of.group === '' ? of.version : `${of.group}/${of.version}`;

/** Now, as Kubernetes writes times: UTC, whole seconds. */
export const timestamp = (at = new Date()): string => at.toISOString().replace(/\.\d+Z$/, 'Z');

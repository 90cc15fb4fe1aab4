/** Made-up kinds and objects for the tests of this folder. */
import type { KubeObject, ObjectMeta, OwnerReference } from '#shared/kube/object.ts';
import type { ResourceDefinition } from '../api/definition.ts';
import { any, object } from '../api/schema.ts';
import type { Log } from '../context.ts';

export interface Widget extends KubeObject {
  spec?: { size?: number };
  status?: { phase?: string };
}

/** Namespaced, with a status subresource. */
export const widgets: ResourceDefinition<Widget> = {
  group: 'test.hayloft.io',
  version: 'v1',
  kind: 'Widget',
  plural: 'widgets',
  singular: 'widget',
  namespaced: true,
  schema: object({ spec: any(), status: any() }),
  statusSubresource: true,
};

/** Cluster-scoped, without status. */
export const gadgets: ResourceDefinition<Widget> = {
  ...widgets,
  kind: 'Gadget',
  plural: 'gadgets',
  singular: 'gadget',
  namespaced: false,
  statusSubresource: false,
};

export const namespaces: ResourceDefinition = {
  ...widgets,
  group: '',
  kind: 'Namespace',
  plural: 'namespaces',
  singular: 'namespace',
  namespaced: false,
};

export const quiet: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

export const widget = (name: string, metadata: ObjectMeta = {}, size = 1): Widget => ({
  apiVersion: 'test.hayloft.io/v1',
  kind: 'Widget',
  metadata: { name, namespace: 'default', ...metadata },
  spec: { size },
});

export const gadget = (name: string, metadata: ObjectMeta = {}): Widget => ({
  apiVersion: 'test.hayloft.io/v1',
  kind: 'Gadget',
  metadata: { name, ...metadata },
});

export const namespace = (name: string): KubeObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });

export const ownedBy = (owner: KubeObject, blockOwnerDeletion = false): { ownerReferences: OwnerReference[] } => ({
  ownerReferences: [
    {
      apiVersion: owner.apiVersion,
      kind: owner.kind,
      name: owner.metadata.name ?? '',
      uid: owner.metadata.uid ?? '',
      blockOwnerDeletion,
    },
  ],
});

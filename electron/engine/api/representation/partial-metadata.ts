/** Objects without spec and status, for clients that watch names and labels only. */
import type { KubeList, KubeObject } from '#shared/kube/object.ts';

export const metadataOnly = (object: KubeObject): KubeObject => ({
  kind: 'PartialObjectMetadata',
  apiVersion: 'meta.k8s.io/v1',
  metadata: object.metadata,
});

export const metadataListOf = (list: KubeList): KubeList => ({
  kind: 'PartialObjectMetadataList',
  apiVersion: 'meta.k8s.io/v1',
  metadata: list.metadata,
  items: list.items.map(metadataOnly),
});

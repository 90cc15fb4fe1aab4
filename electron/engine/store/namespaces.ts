/** What the store knows about namespaces: everything namespaced lives in one and goes with it. */
import type { KubeObject } from '#shared/kube/object.ts';
import { ApiError, notFound, type ResourceName } from '../api/errors.ts';
import { parseRow, timestamp, type KindKey, type ObjectKey } from './keys.ts';
import type { Write } from './write.ts';

export const namespaceKind: ResourceName = { group: '', plural: 'namespaces', kind: 'Namespace' };

/** There from the first start and never to be deleted. */
const permanent = ['default', 'kube-system'];

export const isNamespaceKind = (of: KindKey): boolean => of.group === '' && of.plural === 'namespaces';

export const namespaceKey = (name: string): ObjectKey => ({ group: '', plural: 'namespaces', namespace: '', name });

export function createPermanentNamespaces(write: Write): void {
  for (const name of permanent) {
    const key = namespaceKey(name);
    if (write.find(key)) continue;
    const namespace: KubeObject & Record<string, unknown> = {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {
        name,
        uid: crypto.randomUUID(),
        creationTimestamp: timestamp(),
        labels: { 'kubernetes.io/metadata.name': name },
      },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    };
    write.insert(key, namespace);
  }
}

/** @throws ApiError 404 when there is no such namespace, 403 when it is being deleted */
export function checkNamespaceOpen(write: Write, of: ResourceName, key: ObjectKey): void {
  const row = write.find(namespaceKey(key.namespace));
  if (!row) throw notFound(namespaceKind, key.namespace);
  if (parseRow(row).metadata.deletionTimestamp === undefined) return;
  const kind = of.group === '' ? of.plural : `${of.plural}.${of.group}`;
  throw new ApiError(
    403,
    'Forbidden',
    `${kind} "${key.name}" is forbidden: nothing can be created in namespace ${key.namespace} because it is being terminated`,
    {
      name: key.name,
      group: of.group,
      kind: of.plural,
      causes: [
        { reason: 'NamespaceTerminating', message: `namespace ${key.namespace} is being terminated`, field: 'metadata.namespace' },
      ],
    },
  );
}

/** @throws ApiError 403 for a namespace that must stay */
export function checkNamespaceDeletable(key: ObjectKey): void {
  if (!isNamespaceKind(key) || !permanent.includes(key.name)) return;
  throw new ApiError(403, 'Forbidden', `namespaces "${key.name}" is forbidden: this namespace may not be deleted`, {
    name: key.name,
    kind: 'namespaces',
  });
}

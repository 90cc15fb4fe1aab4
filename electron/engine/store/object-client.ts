/** The controllers' view of the store. */
import type { KubeObject } from '#shared/kube/object.ts';
import type { AnyDefinition, ResourceDefinition } from '../api/definition.ts';
import { ApiError } from '../api/errors.ts';
import type { Change, ChangeOptions, Resources } from './resources.ts';
import type { SqliteStore } from './store.ts';

// The store holds objects of whatever kind; the definition that they were asked by says which.
const typed = <T extends KubeObject>(object: KubeObject): T => object as T;

export function createResources(store: SqliteStore): Resources {
  const rewrite = <T extends KubeObject>(
    of: ResourceDefinition<T>,
    where: { namespace: string | undefined; name: string },
    change: (draft: T) => void,
    request: { subresource?: 'status' } & ChangeOptions,
  ): T | undefined => {
    const found = store.get(of, where.namespace, where.name);
    if (!found) return undefined;
    const draft = typed<T>(found);
    change(draft);
    // The draft's resourceVersion guards against `change` itself having written to the same object.
    return typed<T>(store.update(of, draft, request));
  };
  return {
    get: <T extends KubeObject>(of: ResourceDefinition<T>, namespace: string | undefined, name: string) => {
      const found = store.get(of, namespace, name);
      return found && typed<T>(found);
    },
    list: <T extends KubeObject>(of: ResourceDefinition<T>, options: { namespace?: string; labels?: Record<string, string> } = {}) => {
      const wanted = Object.entries(options.labels ?? {});
      const { items } = store.list(of, {
        ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
        ...(wanted.length === 0
          ? {}
          : { matches: ({ metadata }) => wanted.every(([key, value]) => metadata.labels?.[key] === value) }),
      });
      return items.map((item) => typed<T>(item));
    },
    create: <T extends KubeObject>(of: ResourceDefinition<T>, object: T) => typed<T>(store.create(of, object)),
    change: (of, namespace, name, change, options = {}) => rewrite(of, { namespace, name }, change, options),
    changeStatus: (of, namespace, name, change, options = {}) => rewrite(of, { namespace, name }, change, { ...options, subresource: 'status' }),
    flushed: () => store.flushed(),
    delete: (of, namespace, name, options = {}) => {
      try {
        store.delete(of, namespace, name, {
          ...(options.propagationPolicy === undefined ? {} : { propagationPolicy: options.propagationPolicy }),
          ...(options.uid === undefined ? {} : { preconditions: { uid: options.uid } }),
        });
        return true;
      } catch (error) {
        if (error instanceof ApiError && error.code === 404) return false;
        throw error;
      }
    },
    subscribe: <T extends KubeObject>(of: AnyDefinition, listener: (change: Change<T>) => void) =>
      store.follow(of, (change) => listener({ type: change.type, object: typed<T>(change.object) })),
  };
}

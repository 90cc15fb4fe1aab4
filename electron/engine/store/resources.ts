/** The engine's own client to its objects: what controllers and handlers read and write. Synchronous, for the store is. */
import type { KubeObject } from '#shared/kube/object.ts';
import type { ResourceDefinition } from '../api/definition.ts';

export interface Change<T extends KubeObject> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  object: T;
}

export interface ListOptions {
  namespace?: string;
  /** Labels that must all be there with these values. */
  labels?: Record<string, string>;
}

export interface ChangeOptions {
  /** The disk may have it a moment later: whoever tells somebody that it is done waits for `flushed` first. */
  soon?: boolean;
}

export interface DeleteOptions {
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  uid?: string;
}

/**
 * Objects handed out are the caller's own copies. Writers throw `ApiError`s. `namespace` is undefined for
 * cluster-scoped kinds.
 */
export interface Resources {
  get<T extends KubeObject>(of: ResourceDefinition<T>, namespace: string | undefined, name: string): T | undefined;
  list<T extends KubeObject>(of: ResourceDefinition<T>, options?: ListOptions): T[];
  create<T extends KubeObject>(of: ResourceDefinition<T>, object: T): T;
  /** Reads, changes and writes spec and metadata in one transaction. Undefined if there is no such object. */
  change<T extends KubeObject>(
    of: ResourceDefinition<T>,
    namespace: string | undefined,
    name: string,
    change: (draft: T) => void,
    options?: ChangeOptions,
  ): T | undefined;
  /** The same for status. Nothing is written, and no revision spent, when `change` changes nothing. */
  changeStatus<T extends KubeObject>(
    of: ResourceDefinition<T>,
    namespace: string | undefined,
    name: string,
    change: (draft: T) => void,
    options?: ChangeOptions,
  ): T | undefined;
  /** Resolves when all that was written by now is on the disk. */
  flushed(): Promise<void>;
  /** Sets the deletion timestamp, or removes the object when no finalizer holds it. False if there was none. */
  delete(of: ResourceDefinition, namespace: string | undefined, name: string, options?: DeleteOptions): boolean;
  /**
   * Calls `listener` after each committed change of this kind, until the returned function is called. All listeners get
   * the same object, to look at only.
   */
  subscribe<T extends KubeObject>(of: ResourceDefinition<T>, listener: (change: Change<T>) => void): () => void;
}

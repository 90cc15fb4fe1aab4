/** What the API server asks of the store: the Kubernetes verbs, after decoding and schema validation. */
import type { KubeObject } from '#shared/kube/object.ts';
import type { AnyDefinition } from '../api/definition.ts';
import type { Claim } from '../api/ownership/managers.ts';
import type { Change } from './resources.ts';

/** Tells whether an object belongs to a list or watch (label and field selectors, compiled). */
export type Matcher = (object: KubeObject) => boolean;

export interface ListRequest {
  namespace?: string;
  matches?: Matcher;
  /** At most this many items; `continue` in the answer goes on from there. */
  limit?: number;
  /** The list as it was at this revision; absent: as it is. Throws 410 when that is no longer kept. */
  revision?: string;
  /** Opaque, from an earlier answer. Throws 410 when it is too old or not ours (400). */
  continue?: string;
}

export interface ListAnswer {
  items: KubeObject[];
  resourceVersion: string;
  continue?: string;
  remainingItemCount?: number;
}

interface AnyRequest {
  /** Check and admit, then answer with what would have been stored. */
  dryRun?: boolean;
}

export interface WriteRequest extends AnyRequest {
  /** Who writes, for `managedFields`; absent: the engine itself. */
  manager?: string;
  /** Who owns what from now on; absent: it follows from what is changed, and by whom. */
  claims?: readonly Claim[];
  /** Takes what admission has to say beside the answer. */
  warn?(text: string): void;
}

export interface UpdateRequest extends WriteRequest {
  /** The disk may have it a moment later, see `Database.transaction`. Default: as the kind has it. */
  soon?: boolean | undefined;
  subresource?: 'status' | undefined;
}

export interface DeleteRequest extends AnyRequest {
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  preconditions?: { uid?: string; resourceVersion?: string };
}

export interface DeleteAnswer {
  object: KubeObject;
  /** False while finalizers hold it: the object is then shown with its deletion timestamp. */
  removed: boolean;
}

export interface WatchRequest {
  namespace?: string;
  /** Changes after this revision are replayed first. Throws 410 when they are no longer kept. */
  since: string;
}

/** A change with the revision it was committed at; `old` lets selectors turn changes into ADDED and DELETED. */
export interface StoredChange extends Change<KubeObject> {
  resourceVersion: string;
  old: KubeObject | undefined;
}

export interface ApiStore {
  /** The newest revision, as a decimal text. */
  readonly resourceVersion: string;
  /** Throws when the database cannot be read. */
  check(): void;
  get(of: AnyDefinition, namespace: string | undefined, name: string): KubeObject | undefined;
  list(of: AnyDefinition, request: ListRequest): ListAnswer;
  /** Fills in name (generateName), uid, creationTimestamp, generation; runs `admit`. 409, 404 (namespace), 422. */
  create(of: AnyDefinition, object: KubeObject, request?: WriteRequest): KubeObject;
  /** Replaces. 409 when the object carries a resourceVersion that is not the stored one. */
  update(of: AnyDefinition, object: KubeObject, request?: UpdateRequest): KubeObject;
  delete(of: AnyDefinition, namespace: string | undefined, name: string, request?: DeleteRequest): DeleteAnswer;
  /** Calls `listener` for past changes at once, then for each new one, until the returned function is called. */
  watch(of: AnyDefinition, request: WatchRequest, listener: (change: StoredChange) => void): () => void;
}

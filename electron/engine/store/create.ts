/** Creating objects. */
import { randomUUID } from 'node:crypto';
import type { KubeObject, ObjectMeta } from '#shared/kube/object.ts';
import type { AnyDefinition } from '../api/definition.ts';
import { alreadyExists, badRequest } from '../api/errors.ts';
import type { WriteRequest } from './api-store.ts';
import { claimFields } from './claims.ts';
import { generateName } from './generate-name.ts';
import { apiVersionOf, copyOf, keyOf, timestamp } from './keys.ts';
import { checkMetadata } from './metadata.ts';
import { checkNamespaceOpen, isNamespaceKind } from './namespaces.ts';
import type { Write } from './write.ts';

const nameAttempts = 8;

/**
 * @param input what the client sent; left as it is
 * @returns what was stored, or, on a dry run, would have been
 * @throws ApiError 409 (name taken), 404 and 403 (namespace), 422 (metadata), and what `admit` throws
 */
export function createObject(write: Write, of: AnyDefinition, input: KubeObject, request: WriteRequest): KubeObject {
  const object = copyOf(input) as KubeObject & { status?: unknown };
  if (input.metadata.resourceVersion) throw badRequest('resourceVersion should not be set on objects to be created');
  if (of.statusSubresource) delete object.status;
  object.apiVersion = apiVersionOf(of);
  object.kind = of.kind;
  object.metadata = freshMetadata(of, object.metadata);
  const { metadata } = object;
  if (!metadata.name && metadata.generateName) metadata.name = freeName(write, of, metadata);

  of.admit?.({ operation: 'create', object, old: undefined, warn: (text) => request.warn?.(text) });
  checkMetadata(of, object, undefined, (text) => request.warn?.(text));

  const key = keyOf(of, metadata.namespace, metadata.name ?? '');
  if (of.namespaced) checkNamespaceOpen(write, of, key);
  if (write.find(key)) throw alreadyExists(of, key.name);
  claimFields({ of, old: undefined, next: object, request });
  if (request.dryRun !== true) write.insert(key, object);
  return object;
}

/** Kinds that came by a CustomResourceDefinition count every change of what is not metadata, with or without a status of their own. */
export const countsGenerations = (of: AnyDefinition): boolean => of.statusSubresource || of.added === true;

function freshMetadata(of: AnyDefinition, given: ObjectMeta): ObjectMeta {
  const metadata: ObjectMeta = { ...given, uid: randomUUID(), creationTimestamp: timestamp() };
  if (countsGenerations(of)) metadata.generation = 1;
  else delete metadata.generation;
  if (of.namespaced) metadata.namespace ??= 'default';
  dropUnkept(metadata);
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  return metadata;
}

/** Takes out what is not kept as it comes: field ownership, and nulls and empty collections, which mean the same as nothing. */
export function dropUnkept(metadata: ObjectMeta): void {
  delete metadata.managedFields;
  delete metadata.resourceVersion;
  const fields = metadata as Record<string, unknown>;
  for (const [name, value] of Object.entries(fields)) {
    const empty = value === null || value === '' || (typeof value === 'object' && Object.keys(value).length === 0);
    if (empty || name === 'selfLink') Reflect.deleteProperty(fields, name);
  }
}

function freeName(write: Write, of: AnyDefinition, metadata: ObjectMeta): string {
  const base = metadata.generateName ?? '';
  let name = generateName(base);
  for (let attempt = 1; attempt < nameAttempts; attempt += 1) {
    if (!write.find(keyOf(of, metadata.namespace, name))) break;
    name = generateName(base);
  }
  // A base that is no valid start of a name is told by its own words, not by the made-up ones.
  if (isNamespaceKind(of)) return name.toLowerCase() === name ? name : base;
  return name;
}

/** Replacing objects, and their status. */
import { isDeepStrictEqual } from 'node:util';
import type { KubeObject, ObjectMeta, StatusCause } from '#shared/kube/object.ts';
import type { AnyDefinition } from '../api/definition.ts';
import { conflict, invalid, notFound } from '../api/errors.ts';
import type { UpdateRequest } from './api-store.ts';
import { claimFields } from './claims.ts';
import { countsGenerations, dropUnkept } from './create.ts';
import { afterRemoval } from './deletion.ts';
import { apiVersionOf, copyOf, keyOf, parseRow } from './keys.ts';
import { checkMetadata } from './metadata.ts';
import type { Write } from './write.ts';

type WithStatus = KubeObject & { status?: unknown };

/**
 * @param input the new object; left as it is
 * @returns what is stored now. Equal to what was stored before, revision included, when nothing changed
 * @throws ApiError 404, 409 (changed meanwhile), 422 (metadata), and what `admit` throws
 */
export function updateObject(write: Write, of: AnyDefinition, input: KubeObject, options: UpdateRequest): KubeObject {
  const { name = '', namespace } = input.metadata;
  const row = write.find(keyOf(of, namespace, name));
  if (!row) throw notFound(of, name);
  const old = parseRow(row) as WithStatus;
  checkUnchangedMeanwhile(of, old.metadata, input.metadata);

  const next = options.subresource === 'status' ? withStatusOf(old, input) : withoutStatusOf(of, old, input);
  next.apiVersion = apiVersionOf(of);
  if (options.subresource !== 'status') {
    checkImmutable(of, old.metadata, input.metadata);
    if (!isReleaseOnly(old, next)) {
      of.admit?.({ operation: 'update', object: next, old: copyOf(old), warn: (text) => options.warn?.(text) });
    }
    checkMetadata(of, next, old.metadata, (text) => options.warn?.(text));
  }
  if (options.subresource !== 'status' && countsGenerations(of) && !isDeepStrictEqual(counted(of, old), counted(of, next))) {
    next.metadata.generation = (old.metadata.generation ?? 0) + 1;
  }

  next.metadata.resourceVersion = String(row.revision);
  claimFields({ of, old, next, given: input.metadata.managedFields, request: options });
  if (options.dryRun === true || isDeepStrictEqual(next, { ...old, apiVersion: next.apiVersion })) return next;
  if (next.metadata.deletionTimestamp !== undefined && (next.metadata.finalizers ?? []).length === 0) {
    write.remove(row, next);
    afterRemoval(write, row, next);
  } else {
    write.replace(row, next, { sameOwners: options.subresource === 'status' });
  }
  return next;
}

function checkUnchangedMeanwhile(of: AnyDefinition, old: ObjectMeta, given: ObjectMeta): void {
  const name = old.name ?? '';
  if (given.uid && given.uid !== old.uid) {
    throw conflict(of, name, `Precondition failed: UID in precondition: ${given.uid}, UID in object meta: ${old.uid ?? ''}`);
  }
  if (given.resourceVersion && given.resourceVersion !== old.resourceVersion) {
    const message = 'the object has been modified; please apply your changes to the latest version and try again';
    throw conflict(of, name, message);
  }
}

function withStatusOf(old: WithStatus, input: WithStatus): WithStatus {
  // What is below `spec` is shared with the old one, which nobody changes.
  const next = { ...old, metadata: { ...old.metadata } };
  if (input.status === undefined) delete next.status;
  else next.status = JSON.parse(JSON.stringify(input.status)) as unknown;
  return next;
}

function withoutStatusOf(of: AnyDefinition, old: WithStatus, input: WithStatus): WithStatus {
  const next = copyOf(input);
  next.kind = of.kind;
  if (of.statusSubresource) {
    if (old.status === undefined) delete next.status;
    else next.status = old.status;
  }
  dropUnkept(next.metadata);
  for (const field of ['uid', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'generation', 'generateName'] as const) {
    keep(next.metadata, old, field);
  }
  if (old.metadata.namespace !== undefined) next.metadata.namespace = old.metadata.namespace;
  return next;
}

function keep<K extends keyof ObjectMeta>(metadata: ObjectMeta, old: KubeObject, field: K): void {
  if (old.metadata[field] === undefined) Reflect.deleteProperty(metadata, field);
  else metadata[field] = old.metadata[field];
}

function checkImmutable(of: AnyDefinition, old: ObjectMeta, given: ObjectMeta): void {
  const causes: StatusCause[] = [];
  for (const field of ['creationTimestamp', 'deletionTimestamp'] as const) {
    if (!given[field] || given[field] === old[field]) continue;
    causes.push({
      reason: 'FieldValueInvalid',
      field: `metadata.${field}`,
      message: `Invalid value: ${JSON.stringify(given[field])}: field is immutable`,
    });
  }
  const added = (given.finalizers ?? []).filter((name) => !(old.finalizers ?? []).includes(name));
  if (old.deletionTimestamp !== undefined && added.length > 0) {
    causes.push({
      reason: 'FieldValueForbidden',
      field: 'metadata.finalizers',
      message: `Forbidden: the object is being deleted, so no finalizers can be added (${added.join(', ')})`,
    });
  }
  if (causes.length > 0) throw invalid(of, old.name ?? '', causes);
}

/** An object on its way out whose metadata alone changes is let go, even if today's rules would not take it. */
const isReleaseOnly = (old: KubeObject, next: KubeObject): boolean =>
  old.metadata.deletionTimestamp !== undefined &&
  isDeepStrictEqual({ ...old, apiVersion: '', metadata: {} }, { ...next, apiVersion: '', metadata: {} });

/** What `generation` counts changes of: all but metadata, and a status that is written on its own. */
const counted = (of: AnyDefinition, object: WithStatus): object => ({
  ...object,
  ...{ apiVersion: '', metadata: {} },
  ...(of.statusSubresource ? { status: undefined } : {}),
});

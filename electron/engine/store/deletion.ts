/**
 * Deleting objects, and what goes with them: finalizers, owner references (background, foreground, orphan), and the
 * contents of namespaces. All of it happens in the transaction of the first deletion, so a killed engine leaves no
 * half of it. Behaviour: kubernetes.io/docs/concepts/architecture/garbage-collection
 */
import { isDeepStrictEqual } from 'node:util';
import type { KubeObject, OwnerReference } from '#shared/kube/object.ts';
import { parseRow, timestamp, type Row } from './keys.ts';
import { isNamespaceKind, namespaceKey } from './namespaces.ts';
import type { Write } from './write.ts';

export type PropagationPolicy = 'Background' | 'Foreground' | 'Orphan';

const foreground = 'foregroundDeletion';

export interface Deletion {
  object: KubeObject;
  removed: boolean;
}

/** Removes a row, or marks it as being deleted while finalizers or dependents hold it. */
export function deleteRow(write: Write, row: Row, asked?: PropagationPolicy): Deletion {
  const object = parseRow(row);
  const { metadata } = object;
  const policy = asked ?? policyFrom(metadata.finalizers ?? []);
  const finalizers = (metadata.finalizers ?? []).filter((name) => name !== foreground && name !== 'orphan');
  if (policy === 'Orphan') orphanDependents(write, row);
  const dependents = policy === 'Foreground' ? dependentsOf(write, row) : [];
  if (dependents.length > 0) finalizers.push(foreground);

  const isNamespace = isNamespaceKind({ group: row.api_group, plural: row.plural });
  const holdsContent = isNamespace && !write.isEmpty(row.name);
  if (finalizers.length === 0 && !holdsContent) {
    write.remove(row, object);
    afterRemoval(write, row, object);
    return { object, removed: true };
  }

  markDeleted(object, finalizers, isNamespace);
  const marked = isDeepStrictEqual(object, parseRow(row)) ? row : write.replace(row, object);
  for (const dependent of dependents) collect(write, dependent);
  if (dependents.length > 0) settleForeground(write, marked);
  if (holdsContent) {
    for (const content of write.contentOf(row.name)) {
      const still = write.again(content);
      if (still && !isDeleting(still)) deleteRow(write, still);
    }
    settleNamespace(write, row.name);
  }
  const left = write.again(row);
  return left ? { object: parseRow(left), removed: false } : { object, removed: true };
}

/** What a removal sets off: dependents to collect, owners and a namespace that may have waited for it. */
export function afterRemoval(write: Write, row: Row, object: KubeObject): void {
  for (const dependent of dependentsOf(write, row)) collect(write, dependent);
  for (const owner of object.metadata.ownerReferences ?? []) {
    const ownerRow = write.findByUid(owner.uid);
    if (ownerRow) settleForeground(write, ownerRow);
  }
  if (row.namespace !== '') settleNamespace(write, row.namespace);
}

/**
 * Deletes an object that has owner references and whose owners are all gone (or wait for it in foreground deletion).
 * While one owner is left it only loses the references to those that are not.
 */
export function collect(write: Write, given: Row): void {
  const row = write.again(given);
  if (!row) return;
  const object = parseRow(row);
  const owners = object.metadata.ownerReferences ?? [];
  if (owners.length === 0) return;
  const states = owners.map((owner) => stateOf(write, row, owner));
  if (states.includes('there')) {
    const left = owners.filter((_, index) => states[index] === 'there');
    if (left.length === owners.length) return;
    object.metadata.ownerReferences = left;
    write.replace(row, object);
    return;
  }
  if (isDeleting(row)) return;
  const waited = states.includes('waiting') && dependentsOf(write, row).length > 0;
  deleteRow(write, row, waited ? 'Foreground' : undefined);
}

/** Deletes what lost its owners while nobody looked. */
export function collectOrphans(write: Write): void {
  for (const row of write.orphans()) collect(write, row);
}

function stateOf(write: Write, dependent: Row, owner: OwnerReference): 'there' | 'waiting' | 'gone' {
  const row = write.findByUid(owner.uid);
  // An owner in another namespace is none: Kubernetes' own rule.
  if (!row || (row.namespace !== '' && row.namespace !== dependent.namespace)) return 'gone';
  return isDeleting(row) && (parseRow(row).metadata.finalizers ?? []).includes(foreground) ? 'waiting' : 'there';
}

function settleForeground(write: Write, given: Row): void {
  const row = write.again(given);
  if (!row || !isDeleting(row)) return;
  const object = parseRow(row);
  const finalizers = object.metadata.finalizers ?? [];
  if (!finalizers.includes(foreground)) return;
  if (write.dependentsOf(row.uid).some((dependent) => dependent.blocks === 1 && dependent.id !== row.id)) return;
  object.metadata.finalizers = finalizers.filter((name) => name !== foreground);
  if (object.metadata.finalizers.length > 0) {
    write.replace(row, object);
    return;
  }
  delete object.metadata.finalizers;
  write.remove(row, object);
  afterRemoval(write, row, object);
}

function settleNamespace(write: Write, name: string): void {
  const row = write.find(namespaceKey(name));
  if (!row || !isDeleting(row) || !write.isEmpty(name)) return;
  const object = parseRow(row);
  if ((object.metadata.finalizers ?? []).length > 0) return;
  write.remove(row, object);
  afterRemoval(write, row, object);
}

function orphanDependents(write: Write, owner: Row): void {
  for (const dependent of dependentsOf(write, owner)) {
    const object = parseRow(dependent);
    const left = (object.metadata.ownerReferences ?? []).filter((reference) => reference.uid !== owner.uid);
    if (left.length > 0) object.metadata.ownerReferences = left;
    else delete object.metadata.ownerReferences;
    write.replace(dependent, object);
  }
}

function markDeleted(object: KubeObject, finalizers: string[], isNamespace: boolean): void {
  const { metadata } = object;
  if (metadata.deletionTimestamp === undefined) {
    metadata.deletionTimestamp = timestamp();
    metadata.deletionGracePeriodSeconds = 0;
    if (metadata.generation !== undefined) metadata.generation += 1;
  }
  if (finalizers.length > 0) metadata.finalizers = finalizers;
  else delete metadata.finalizers;
  if (isNamespace) Object.assign(object, { status: { phase: 'Terminating' } });
}

function policyFrom(finalizers: readonly string[]): PropagationPolicy {
  if (finalizers.includes('orphan')) return 'Orphan';
  return finalizers.includes(foreground) ? 'Foreground' : 'Background';
}

const dependentsOf = (write: Write, row: Row): Row[] =>
  write.dependentsOf(row.uid).filter((dependent) => dependent.id !== row.id);

const isDeleting = (row: Row): boolean => parseRow(row).metadata.deletionTimestamp !== undefined;

/** Whether the names of a new kind are free, and what its status says of that. */
import type { Condition } from '#shared/kube/object.ts';
import type { AnyDefinition } from '../api/definition.ts';
import { timestamp } from '../store/keys.ts';
import type { CustomNames, CustomResourceDefinition } from './definition.ts';

/** Names that kinds of the same group have already: plural, singular and short names in one, kinds in the other. */
export interface TakenNames {
  resources: Set<string>;
  kinds: Set<string>;
}

export function takenNames(group: string, others: readonly CustomResourceDefinition[], served: readonly AnyDefinition[]): TakenNames {
  const taken: TakenNames = { resources: new Set(), kinds: new Set() };
  const accepted = others.filter(({ spec }) => spec.group === group).map(({ status }) => status?.acceptedNames);
  for (const names of [...accepted, ...served.filter((of) => of.group === group)]) {
    if (!names?.plural) continue;
    for (const name of [names.plural, names.singular ?? '', ...(names.shortNames ?? [])]) taken.resources.add(name);
    taken.kinds.add(names.kind);
    taken.kinds.add('listKind' in names ? (names.listKind ?? '') : `${names.kind}List`);
  }
  return taken;
}

interface Conflict {
  reason: string;
  message: string;
}

function conflictOf({ plural, singular = '', shortNames = [], kind, listKind = '' }: CustomNames, taken: TakenNames): Conflict | undefined {
  const conflict = (reason: string, names: readonly string[], among: Set<string>): Conflict | undefined => {
    const found = names.find((name) => among.has(name));
    return found === undefined ? undefined : { reason, message: `${JSON.stringify(found)} is already in use` };
  };
  return (
    conflict('PluralConflict', [plural], taken.resources) ??
    conflict('SingularConflict', [singular], taken.resources) ??
    conflict('ShortNamesConflict', shortNames, taken.resources) ??
    conflict('KindConflict', [kind], taken.kinds) ??
    conflict('ListKindConflict', [listKind], taken.kinds)
  );
}

/** Writes the status that follows from the names that others have. Once established, a kind stays so. */
export function settleStatus(crd: CustomResourceDefinition, old: CustomResourceDefinition | undefined, taken: TakenNames): void {
  const before = old?.status?.conditions ?? [];
  const was = (type: string): Condition | undefined => before.find((condition) => condition.type === type);
  const conflict = conflictOf(crd.spec.names, taken);
  const established = conflict === undefined || was('Established')?.status === 'True';
  const conditions = [
    conflict
      ? condition(was('NamesAccepted'), 'NamesAccepted', false, conflict.reason, conflict.message)
      : condition(was('NamesAccepted'), 'NamesAccepted', true, 'NoConflicts', 'no conflicts found'),
    established
      ? condition(was('Established'), 'Established', true, 'InitialNamesAccepted', 'the initial names have been accepted')
      : condition(was('Established'), 'Established', false, 'NotAccepted', 'not all names are accepted'),
    ...before.filter(({ type }) => type !== 'NamesAccepted' && type !== 'Established'),
  ];
  const stored = old?.status?.storedVersions ?? [];
  const storage = crd.spec.versions.find((version) => version.storage)?.name ?? '';
  const acceptedNames = conflict ? (old?.status?.acceptedNames ?? { plural: '', kind: '' }) : crd.spec.names;
  crd.status = { conditions, acceptedNames, storedVersions: stored.includes(storage) ? stored : [...stored, storage] };
}

/** A condition that stays as it was keeps its time. */
export function condition(was: Condition | undefined, type: string, isTrue: boolean, reason: string, message: string): Condition {
  const status = isTrue ? 'True' : 'False';
  const lastTransitionTime = was?.status === status ? was.lastTransitionTime : timestamp();
  return { type, status, ...(lastTransitionTime === undefined ? {} : { lastTransitionTime }), reason, message };
}

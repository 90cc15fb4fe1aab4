/** The instancetype and preference that a machine uses: as it was when the machine began with it, or as it is now. */
import type { ControllerRevision, Instancetype, InstancetypeSpec, Preference, PreferenceSpec, TypeMatcher, TypeRef } from '#shared/kube/instancetype.ts';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import type { KubeObject, StatusCause } from '#shared/kube/object.ts';
import type { ResourceDefinition } from '../api/definition.ts';
import type { Resources } from '../store/resources.ts';
import { clusterInstancetypes, clusterPreferences, controllerRevisions, instancetypes, preferences } from './definitions.ts';

/** The two roles that a machine's types have, with the kinds that can fill them. */
export const roles = {
  instancetype: { own: instancetypes, cluster: clusterInstancetypes, ref: 'instancetypeRef' },
  preference: { own: preferences, cluster: clusterPreferences, ref: 'preferenceRef' },
} as const;
export type Role = keyof typeof roles;

export interface MachineTypes {
  instancetype?: InstancetypeSpec;
  preference?: PreferenceSpec;
}

/** The kind that a matcher names: in any case, singular or plural, as KubeVirt takes it. */
export function kindOf(role: Role, { kind }: TypeMatcher): ResourceDefinition<Instancetype | Preference> | undefined {
  const { own, cluster } = roles[role];
  if (kind === undefined || kind === '') return cluster;
  const wanted = kind.toLowerCase();
  return [own, cluster].find(({ singular, plural }) => wanted === singular || wanted === plural);
}

/** @returns both, and a cause for each that is not there (KubeVirt's words) */
export function findTypes(resources: Resources, vm: VirtualMachine, status = vm.status): { types: MachineTypes; causes: StatusCause[] } {
  const causes: StatusCause[] = [];
  const find = (role: Role): KubeObject | undefined => {
    const matcher = vm.spec[role];
    if (!matcher) return undefined;
    const found = findOne(resources, vm, role, matcher, status?.[roles[role].ref]);
    if (typeof found !== 'string') return found;
    causes.push({ reason: 'FieldValueNotFound', field: `spec.${role}`, message: `Failure to find ${role}: ${found}` });
    return undefined;
  };
  const instancetype = find('instancetype') as Instancetype | undefined;
  const preference = find('preference') as Preference | undefined;
  return {
    types: { ...(instancetype ? { instancetype: instancetype.spec } : {}), ...(preference ? { preference: preference.spec } : {}) },
    causes,
  };
}

function findOne(resources: Resources, vm: VirtualMachine, role: Role, matcher: TypeMatcher, ref: TypeRef | undefined): KubeObject | string {
  const definition = kindOf(role, matcher);
  if (!definition) return `got unexpected kind in ${role.charAt(0).toUpperCase()}${role.slice(1)}Matcher: ${matcher.kind ?? ''}`;
  const { namespace } = vm.metadata;
  const revisionName = matcher.revisionName ?? (isOf(matcher, definition, ref) ? ref?.controllerRevisionRef?.name : undefined);
  if (revisionName !== undefined) {
    const revision: ControllerRevision | undefined = resources.get(controllerRevisions, namespace, revisionName);
    if (!revision) return `controllerrevisions.apps "${revisionName}" not found`;
    const kept = revision.data as KubeObject | undefined;
    if (kept?.kind !== definition.kind) return `the ControllerRevision "${revisionName}" keeps no ${definition.kind}`;
    return kept;
  }
  const name = matcher.name ?? '';
  return resources.get(definition, definition.namespaced ? namespace : undefined, name) ?? `${definition.plural}.${definition.group} "${name}" not found`;
}

/** Whether what a status names is what the spec asks for. */
export const isOf = ({ name }: TypeMatcher, { kind }: { kind: string }, ref: TypeRef | undefined): boolean =>
  ref?.name === name && ref?.kind === kind;

/**
 * Writes out the kinds that the machine's matchers leave open, in place, as KubeVirt stores them.
 * @returns what is missing of their names
 */
export function nameTypes({ spec }: VirtualMachine): StatusCause[] {
  const causes: StatusCause[] = [];
  for (const role of ['instancetype', 'preference'] as const) {
    const matcher = spec[role];
    if (!matcher) continue;
    matcher.kind ??= roles[role].cluster.kind;
    if (!matcher.name) causes.push({ reason: 'FieldValueRequired', field: `spec.${role}.name`, message: `Required value: which ${role} it is` });
  }
  return causes;
}

/** On an instance: which types it was made with. KubeVirt's names (pkg/instancetype/annotations). */
export function typeAnnotations({ spec }: VirtualMachine): Record<string, string> {
  const annotations: Record<string, string> = {};
  for (const role of ['instancetype', 'preference'] as const) {
    const matcher = spec[role];
    const definition = matcher && kindOf(role, matcher);
    if (!matcher?.name || !definition) continue;
    annotations[`kubevirt.io/${definition.namespaced ? '' : 'cluster-'}${role}-name`] = matcher.name;
  }
  return annotations;
}

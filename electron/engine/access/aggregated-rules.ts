/**
 * What default roles allow beyond their own rules: kinds that CustomResourceDefinitions brought, and the rules of
 * ClusterRoles that ask by their labels to be part of `view`, `edit` or `admin`. Source: Kubernetes' aggregated
 * ClusterRoles (kubernetes.io, "Using RBAC Authorization"), whose rules are written into the role that takes them in.
 */
import type { CustomResourceDefinition } from '../custom-resources/definition.ts';
import type { StoredRole } from './definitions/roles.ts';
import type { PolicyRule } from './rules.ts';

/** How far a role reaches; each has all that those before it have. */
export const levels = ['view', 'edit', 'admin'] as const;
export type Level = (typeof levels)[number];

const label = (level: Level): string => `rbac.authorization.k8s.io/aggregate-to-${level}`;

/** The rules of the ClusterRoles that are labelled for this level or one before it, by their names. */
export function labelledRules(level: Level, roles: readonly StoredRole[]): PolicyRule[] {
  const wanted = levels.slice(0, levels.indexOf(level) + 1).map(label);
  return roles
    .filter(({ metadata }) => wanted.some((key) => metadata.labels?.[key] === 'true'))
    .sort((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1))
    .flatMap(({ rules }) => rules ?? []);
}

const see = ['get', 'list', 'watch'];
const change = ['create', 'update', 'patch', 'delete', 'deletecollection'];

/**
 * Reading added kinds for `view`, and changing them for the others. Their status is their controller's to write.
 * @param crds the definitions whose kinds are served
 */
export function addedKindRules(level: Level, crds: readonly CustomResourceDefinition[]): PolicyRule[] {
  const byGroup = Map.groupBy(crds, ({ spec }) => spec.group);
  return [...byGroup]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([group, members]) => {
      const plurals = members.map(({ spec }) => spec.names.plural).sort();
      const of = (part: string): string[] => plurals.map((plural) => `${plural}/${part}`);
      const mayChange = level !== 'view';
      return [
        { apiGroups: [group], resources: plurals, verbs: mayChange ? [...see, ...change] : see },
        { apiGroups: [group], resources: of('status'), verbs: ['get'] },
        { apiGroups: [group], resources: of('scale'), verbs: mayChange ? ['get', 'update', 'patch'] : ['get'] },
      ];
    });
}

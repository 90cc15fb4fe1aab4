/** The kinds by which access is given and taken, and the roles that are there from the start. */
import type { EngineModule } from '../api/definition.ts';
import { customResourceDefinitions, isEstablished } from '../custom-resources/definition.ts';
import type { Resources } from '../store/resources.ts';
import type { Access } from './access.ts';
import { addedKindRules, labelledRules } from './aggregated-rules.ts';
import { defaultRoles, type DefaultRole } from './default-roles.ts';
import { accessTokens } from './definitions/access-token.ts';
import { clusterRoleBindings, roleBindings } from './definitions/bindings.ts';
import { clusterRoles, rbacGroup, roles } from './definitions/roles.ts';
import { serviceAccounts } from './definitions/service-account.ts';
import { rotationKind, type Rotations } from './rotation.ts';
import { createReviews } from './reviews.ts';
import type { PolicyRule } from './rules.ts';
import { tokenRequestRoute } from './token-request.ts';

const apiVersion = `${rbacGroup}/v1`;
const labels = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };

export function createAccessModule(access: Access, rotations?: Rotations): EngineModule {
  let resources: Resources | undefined;
  let unsubscribe: (() => void)[] = [];
  return {
    name: 'access',
    definitions: [serviceAccounts, accessTokens, clusterRoles, roles, clusterRoleBindings, roleBindings, ...(rotations ? [rotationKind(rotations)] : []), ...createReviews(() => access)],
    subresources: [tokenRequestRoute(() => resources)],
    start: (context) => {
      ({ resources } = context);
      for (const role of defaultRoles) ensure(context.resources, role);
      unsubscribe = followAdditions(context.resources);
      return Promise.resolve();
    },
    stop: () => {
      for (const end of unsubscribe) end();
      access.stop();
      return Promise.resolve();
    },
  };
}

/** Writes anew what roles take in whenever kinds or other roles come and go. */
function followAdditions(resources: Resources): (() => void)[] {
  const own = new Set(defaultRoles.map(({ name }) => name));
  const again = (): void => {
    for (const role of defaultRoles) if (role.aggregates) ensure(resources, role);
  };
  return [
    resources.subscribe(customResourceDefinitions, again),
    resources.subscribe(clusterRoles, ({ object: { metadata } }) => {
      if (!own.has(metadata.name ?? '')) again();
    }),
  ];
}

function rulesOf({ rules, aggregates, addedKinds }: DefaultRole, resources: Resources): PolicyRule[] {
  if (!aggregates) return structuredClone([...rules]);
  const added = addedKinds ? addedKindRules(aggregates, resources.list(customResourceDefinitions).filter(isEstablished)) : [];
  const others = resources.list(clusterRoles).filter(({ metadata }) => !defaultRoles.some(({ name }) => name === metadata.name));
  return structuredClone([...rules, ...added, ...labelledRules(aggregates, others)]);
}

/** As this version of the engine has it, whatever an earlier one or somebody's hand left there. */
function ensure(resources: Resources, role: DefaultRole): void {
  const { name, boundTo } = role;
  const wanted = rulesOf(role, resources);
  const kept = resources.change(clusterRoles, undefined, name, (draft) => {
    draft.rules = wanted;
    draft.metadata.labels = { ...draft.metadata.labels, ...labels };
  });
  if (!kept) resources.create(clusterRoles, { apiVersion, kind: 'ClusterRole', metadata: { name, labels }, rules: wanted });
  if (!boundTo || resources.get(clusterRoleBindings, undefined, name)) return;
  resources.create(clusterRoleBindings, {
    apiVersion,
    kind: 'ClusterRoleBinding',
    metadata: { name, labels },
    roleRef: { apiGroup: rbacGroup, kind: 'ClusterRole', name },
    subjects: boundTo.map((group) => ({ kind: 'Group' as const, apiGroup: rbacGroup, name: group })),
  });
}

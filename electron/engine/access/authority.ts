/** Says what a user may do, from the roles and bindings as they are now. */
import type { Resources } from '../store/resources.ts';
import type { Attributes } from './attributes.ts';
import { clusterRoleBindings, roleBindings, type StoredBinding, type Subject } from './definitions/bindings.ts';
import { clusterRoles, rbacGroup, roles } from './definitions/roles.ts';
import { allowEverything, allows, type PolicyRule } from './rules.ts';
import { mastersGroup, serviceAccountOf, type User } from './user.ts';

export interface Decision {
  allowed: boolean;
  /** Which binding it is that allows, or why nothing can. */
  reason: string;
}

/** What a user has by one binding. */
interface Grant {
  rules: readonly PolicyRule[];
  reason: string;
}

const everything: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

export class Authority {
  readonly #resources: Resources;
  readonly #unsubscribe: (() => void)[];
  /** By user and namespace; emptied whenever a role or binding changes. */
  readonly #known = new Map<string, readonly Grant[]>();

  constructor(resources: Resources) {
    this.#resources = resources;
    const forget = (): void => this.#known.clear();
    this.#unsubscribe = [clusterRoles, roles].map((of) => resources.subscribe(of, forget));
    this.#unsubscribe.push(...[clusterRoleBindings, roleBindings].map((of) => resources.subscribe(of, forget)));
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  decide(user: User, wanted: Attributes): Decision {
    if (user.groups.includes(mastersGroup)) return { allowed: true, reason: '' };
    const grants = this.#grants(user, wanted.namespace);
    const grant = grants.find(({ rules }) => rules.some((rule) => allows(rule, wanted)));
    if (!grant) return { allowed: false, reason: '' };
    if (handsOutRights(wanted) && !allowEverything(grants.flatMap(({ rules }) => rules))) {
      return { allowed: false, reason: 'rights are handed out only by those who may do everything' };
    }
    return { allowed: true, reason: grant.reason };
  }

  /** All that the user may do, in a namespace and at the cluster scope. */
  rules(user: User, namespace: string): readonly PolicyRule[] {
    if (user.groups.includes(mastersGroup)) return everything;
    return this.#grants(user, namespace).flatMap(({ rules }) => rules);
  }

  #grants(user: User, namespace: string | undefined): readonly Grant[] {
    const key = JSON.stringify([user.name, user.groups, namespace]);
    const known = this.#known.get(key);
    if (known) return known;
    const found = [
      ...this.#resources.list(clusterRoleBindings),
      ...(namespace === undefined ? [] : this.#resources.list(roleBindings, { namespace })),
    ].flatMap((binding) => this.#grantOf(binding, user));
    // Asked for namespaces that are not there, it would grow without end.
    if (this.#known.size >= 1000) this.#known.clear();
    this.#known.set(key, found);
    return found;
  }

  #grantOf(binding: StoredBinding, user: User): Grant[] {
    const subject = (binding.subjects ?? []).find((candidate) => isMeant(candidate, user));
    if (!subject) return [];
    const { roleRef, kind, metadata } = binding;
    const role =
      roleRef.kind === 'ClusterRole'
        ? this.#resources.get(clusterRoles, undefined, roleRef.name)
        : this.#resources.get(roles, metadata.namespace, roleRef.name);
    if (!role) return [];
    const from = metadata.namespace === undefined ? (metadata.name ?? '') : `${metadata.name ?? ''}/${metadata.namespace}`;
    const to = subject.namespace === undefined ? subject.name : `${subject.name}/${subject.namespace}`;
    return [{ rules: role.rules ?? [], reason: `RBAC: allowed by ${kind} "${from}" of ${roleRef.kind} "${roleRef.name}" to ${subject.kind} "${to}"` }];
  }
}

function isMeant(subject: Subject, user: User): boolean {
  switch (subject.kind) {
    case 'User':
      return subject.name === user.name;
    case 'Group':
      return user.groups.includes(subject.name);
    case 'ServiceAccount': {
      const account = serviceAccountOf(user.name);
      return account !== undefined && account.name === subject.name && account.namespace === subject.namespace;
    }
  }
}

const giving = new Set(['create', 'update', 'patch', 'bind', 'escalate', 'impersonate']);

/**
 * Who may write roles, make tokens or act as another could have every right that there is. Kubernetes compares what is
 * given with what the giver has; here, only who has everything gives.
 */
function handsOutRights({ verb, group, resource, subresource }: Attributes): boolean {
  if (verb === 'impersonate') return true;
  if (!giving.has(verb)) return false;
  return group === rbacGroup || group === 'access.hayloft.io' || (group === '' && resource === 'serviceaccounts' && subresource === 'token');
}

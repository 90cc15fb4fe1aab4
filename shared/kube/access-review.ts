/** Types of Kubernetes' access reviews (`authorization.k8s.io/v1`): what the user who asks may do. */

export interface ResourceRule {
  verbs: string[];
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
}

export interface SelfSubjectRulesReview {
  status?: { resourceRules?: ResourceRule[]; incomplete?: boolean };
}

export interface ResourceAttributes {
  namespace?: string;
  verb: string;
  group: string;
  resource: string;
  subresource?: string;
}

export interface SelfSubjectAccessReview {
  status?: { allowed?: boolean; reason?: string };
}

/** Whether one of the rules allows it, by Kubernetes' own reading of `*`. */
export function isAllowedBy(rules: readonly ResourceRule[], { verb, group, resource, subresource }: ResourceAttributes): boolean {
  const name = subresource === undefined ? resource : `${resource}/${subresource}`;
  const has = (list: readonly string[] | undefined, ...wanted: string[]): boolean =>
    (list ?? []).some((item) => item === '*' || wanted.includes(item));
  return rules.some(
    (rule) =>
      (rule.resourceNames ?? []).length === 0 &&
      has(rule.verbs, verb) &&
      has(rule.apiGroups, group) &&
      has(rule.resources, name, ...(subresource === undefined ? [] : [`*/${subresource}`])),
  );
}

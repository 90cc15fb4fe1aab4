/** Whether rules allow something. Source: Kubernetes' RBAC (`rbac.authorization.k8s.io/v1`). */
import type { Attributes } from './attributes.ts';

export interface PolicyRule {
  verbs: string[];
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  nonResourceURLs?: string[];
}

const names = (list: readonly string[] | undefined, wanted: string): boolean =>
  list !== undefined && (list.includes('*') || list.includes(wanted));

export function allows(rule: PolicyRule, wanted: Attributes): boolean {
  if (!names(rule.verbs, wanted.verb)) return false;
  if (wanted.resource === undefined) return coversPath(rule.nonResourceURLs ?? [], wanted.path);
  if (!names(rule.apiGroups, wanted.group) || !coversResource(rule.resources ?? [], wanted.resource, wanted.subresource)) return false;
  const { resourceNames = [] } = rule;
  return resourceNames.length === 0 || (wanted.name !== undefined && resourceNames.includes(wanted.name));
}

function coversResource(resources: readonly string[], resource: string, subresource: string | undefined): boolean {
  if (resources.includes('*')) return true;
  if (subresource === undefined) return resources.includes(resource);
  return resources.includes(`${resource}/${subresource}`) || resources.includes(`*/${subresource}`);
}

const coversPath = (paths: readonly string[], wanted: string): boolean =>
  paths.some((path) => (path.endsWith('*') ? wanted.startsWith(path.slice(0, -1)) : path === wanted));

/** Whether the rules leave nothing that is not allowed. */
export const allowEverything = (rules: readonly PolicyRule[]): boolean =>
  rules.some(
    ({ verbs, apiGroups, resources, resourceNames = [] }) =>
      verbs.includes('*') && names(apiGroups, '*') && names(resources, '*') && resourceNames.length === 0,
  );

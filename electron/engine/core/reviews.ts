/** Questions about who asks and what they may do. There is one user, who may do everything. */
import type { KubeObject } from '#shared/kube/object.ts';
import type { ResourceDefinition } from '../api/definition.ts';
import { any, object } from '../api/schema.ts';

interface Review extends KubeObject {
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
}

const groups = ['system:masters', 'system:authenticated'];

function review(group: string, kind: string, answer: Record<string, unknown>): ResourceDefinition<Review> {
  return {
    group,
    version: 'v1',
    kind,
    plural: `${kind.toLowerCase()}s`,
    singular: kind.toLowerCase(),
    namespaced: false,
    statusSubresource: false,
    schema: object({ spec: any(), status: any() }),
    answer: (asked) => ({ ...asked, status: answer }),
  };
}

export const reviews: readonly ResourceDefinition<Review>[] = [
  review('authorization.k8s.io', 'SelfSubjectAccessReview', {
    allowed: true,
    reason: 'The engine has one user, who may do everything.',
  }),
  review('authorization.k8s.io', 'SelfSubjectRulesReview', {
    resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
    nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
    incomplete: false,
  }),
  review('authentication.k8s.io', 'SelfSubjectReview', { userInfo: { username: 'hayloft', groups } }),
];

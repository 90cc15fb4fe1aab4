/** Field numbers of the kinds by which access is given. Source: as in protobuf-kinds.ts. */
import type { Message } from './protobuf.ts';

const policyRule: Message = {
  fields: {
    1: ['verbs', { list: 'string' }],
    2: ['apiGroups', { list: 'string' }],
    3: ['resources', { list: 'string' }],
    4: ['resourceNames', { list: 'string' }],
    5: ['nonResourceURLs', { list: 'string' }],
  },
};
const subject: Message = {
  fields: { 1: ['kind', 'string'], 2: ['apiGroup', 'string'], 3: ['name', 'string'], 4: ['namespace', 'string'] },
};
const roleRef: Message = { fields: { 1: ['apiGroup', 'string'], 2: ['kind', 'string'], 3: ['name', 'string'] } };

/** @param metadata every object's */
export function accessKinds(metadata: Message): Readonly<Record<string, Message>> {
  const role: Message = { fields: { 1: ['metadata', metadata], 2: ['rules', { list: policyRule }] } };
  const binding: Message = { fields: { 1: ['metadata', metadata], 2: ['subjects', { list: subject }], 3: ['roleRef', roleRef] } };
  const tokenRequestSpec: Message = {
    fields: {
      1: ['audiences', { list: 'string' }],
      3: ['boundObjectRef', { fields: { 1: ['kind', 'string'], 2: ['apiVersion', 'string'], 3: ['name', 'string'], 4: ['uid', 'string'] } }],
      4: ['expirationSeconds', 'integer'],
    },
  };
  return {
    'v1 ServiceAccount': { fields: { 1: ['metadata', metadata] } },
    'rbac.authorization.k8s.io/v1 ClusterRole': role,
    'rbac.authorization.k8s.io/v1 Role': role,
    'rbac.authorization.k8s.io/v1 ClusterRoleBinding': binding,
    'rbac.authorization.k8s.io/v1 RoleBinding': binding,
    'authentication.k8s.io/v1 TokenRequest': {
      fields: { 1: ['metadata', metadata], 2: ['spec', tokenRequestSpec], 3: ['status', 'ignored'] },
    },
  };
}

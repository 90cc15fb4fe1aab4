/** Who asks, as Kubernetes' `authentication.k8s.io` names people and programs. */

export interface User {
  name: string;
  uid?: string;
  groups: readonly string[];
  extra?: Readonly<Record<string, readonly string[]>>;
}

/** Members may do everything, whatever the roles say. */
export const mastersGroup = 'system:masters';
const everyone = 'system:authenticated';

/** Whoever holds the token in the data folder. */
export const owner: User = { name: 'hayloft', groups: [mastersGroup, everyone] };

/** @param credential name of the AccessToken that the account came with */
export function serviceAccountUser(namespace: string, name: string, uid: string | undefined, credential?: string): User {
  return {
    name: `system:serviceaccount:${namespace}:${name}`,
    ...(uid === undefined ? {} : { uid }),
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, everyone],
    ...(credential === undefined ? {} : { extra: { 'access.hayloft.io/token': [credential] } }),
  };
}

/** The namespace and name of a service account's user name; undefined for every other user. */
export function serviceAccountOf(userName: string): { namespace: string; name: string } | undefined {
  const [, namespace, name] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(userName) ?? [];
  return namespace === undefined || name === undefined ? undefined : { namespace, name };
}

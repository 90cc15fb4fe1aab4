/** Acting as somebody else (`kubectl --as`). Source: Kubernetes' user impersonation. */
import type { IncomingHttpHeaders } from 'node:http';
import { badRequest } from '../api/errors.ts';
import type { Attributes } from './attributes.ts';
import { serviceAccountOf, serviceAccountUser, type User } from './user.ts';

const known = new Set(['impersonate-user', 'impersonate-group']);

/**
 * @param check throws when `user` may not do that
 * @returns the user that the headers name, or the one who asks when they name none
 * @throws ApiError 400 for what is not served
 */
export function impersonated(user: User, headers: IncomingHttpHeaders, check: (user: User, wanted: Attributes) => void): User {
  const asked = Object.keys(headers).filter((name) => name.startsWith('impersonate-'));
  if (asked.length === 0) return user;
  const unknown = asked.find((name) => !known.has(name));
  if (unknown !== undefined) throw badRequest(`requested ${unknown}, which is not served here: only Impersonate-User and Impersonate-Group are`);
  const [name, groups] = [textsOf(headers['impersonate-user']).join(), textsOf(headers['impersonate-group'])];
  if (name === '') throw badRequest('requested impersonation of a group without a user');
  const account = serviceAccountOf(name);
  const wanted = (resource: string, of: string, namespace?: string): Attributes => ({
    ...{ verb: 'impersonate', group: '', resource, name: of, path: '' },
    ...(namespace === undefined ? {} : { namespace }),
  });
  check(user, account ? wanted('serviceaccounts', account.name, account.namespace) : wanted('users', name));
  for (const group of groups) check(user, wanted('groups', group));
  if (account) return serviceAccountUser(account.namespace, account.name, undefined);
  return { name, groups: [...groups, 'system:authenticated'] };
}

const textsOf = (value: string | string[] | undefined): string[] =>
  value === undefined ? [] : (Array.isArray(value) ? value : value.split(',')).map((text) => text.trim()).filter((text) => text !== '');

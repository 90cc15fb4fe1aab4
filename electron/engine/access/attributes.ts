/** What a request wants to do, in the words that roles are written in. Source: Kubernetes' RequestInfo. */
import { ApiError } from '../api/errors.ts';
import { parseTarget, pathSegments } from '../api/http/target.ts';
import type { User } from './user.ts';

export interface Attributes {
  verb: string;
  group: string;
  /** Absent: `path` is no resource's. */
  resource?: string;
  subresource?: string;
  namespace?: string;
  name?: string;
  path: string;
}

const verbOfOne: Record<string, string> = { GET: 'get', HEAD: 'get', POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };
const flagIsOn = (value: string | null): boolean => value !== null && value !== '0' && value.toLowerCase() !== 'false';

/** @throws ApiError 400 when the path is not properly escaped */
export function attributesOf(method: string, path: string, query: URLSearchParams): Attributes {
  const segments = pathSegments(path);
  const target = parseTarget(segments);
  const plain = verbOfOne[method] ?? method.toLowerCase();
  if (!target || (segments[0] === 'api' ? segments.length < 3 : segments.length < 4)) return { verb: method === 'POST' ? 'post' : method === 'PUT' ? 'put' : plain, group: '', path };
  const { group, resource, name, subresource } = target;
  // A namespace is inside itself, so that a role in it can allow reading it.
  const namespace = group === '' && resource === 'namespaces' ? name : target.namespace;
  return {
    verb: verbOf(plain, name !== undefined, flagIsOn(query.get('watch'))),
    group,
    resource,
    path,
    // Of `portforward/22/tcp` roles name only the beginning; `vnc/screenshot` is a name as it is.
    ...(subresource === undefined ? {} : { subresource: subresource.startsWith('portforward/') ? 'portforward' : subresource }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
  };
}

function verbOf(verb: string, one: boolean, watch: boolean): string {
  if (verb === 'get') return watch ? 'watch' : one ? 'get' : 'list';
  if (verb === 'delete') return one ? 'delete' : 'deletecollection';
  return verb;
}

/** 403, in Kubernetes' own words. */
export function forbidden(user: User, wanted: Attributes, reason = ''): ApiError {
  const who = `User ${JSON.stringify(user.name)} cannot ${wanted.verb}`;
  const why = reason === '' ? '' : `: ${reason}`;
  const { group, resource, subresource, namespace, name } = wanted;
  if (resource === undefined) return new ApiError(403, 'Forbidden', `forbidden: ${who} path ${JSON.stringify(wanted.path)}${why}`, {});
  const full = subresource === undefined ? resource : `${resource}/${subresource}`;
  const where = namespace === undefined ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`;
  const what = group === '' ? resource : `${resource}.${group}`;
  const named = name === undefined ? what : `${what} ${JSON.stringify(name)}`;
  const message = `${named} is forbidden: ${who} resource ${JSON.stringify(full)} in API group ${JSON.stringify(group)} ${where}${why}`;
  return new ApiError(403, 'Forbidden', message, { ...(name === undefined ? {} : { name }), group, kind: resource });
}

/** Reads a Kubernetes path: which resource, where, and what of it. */
import { badRequest } from '../errors.ts';

export interface Target {
  group: string;
  version: string;
  namespace: string | undefined;
  resource: string;
  name: string | undefined;
  /** What follows the name, as one text: `status`, `portforward/22`. */
  subresource: string | undefined;
}

/** What of a namespace is a subresource, where another word would be a kind of things inside it. */
const ofNamespacesThemselves = new Set(['status', 'finalize']);

/** @throws ApiError 400 when it is not properly escaped */
export function pathSegments(path: string): string[] {
  try {
    return path.split('/').filter(Boolean).map(decodeURIComponent);
  } catch {
    throw badRequest(`the path ${path} is not properly escaped`);
  }
}

/** @returns undefined when the path is no resource's */
export function parseTarget(segments: readonly string[]): Target | undefined {
  const [root, ...rest] = segments;
  const group = root === 'api' ? '' : rest.shift();
  const version = rest.shift();
  if ((root !== 'api' && root !== 'apis') || group === undefined || version === undefined) return undefined;
  let namespace: string | undefined;
  if (rest[0] === 'namespaces' && rest.length > 2 && !ofNamespacesThemselves.has(rest[2] ?? '')) {
    namespace = rest[1];
    rest.splice(0, 2);
  }
  const [resource, name, ...subresource] = rest;
  if (resource === undefined) return undefined;
  return { group, version, namespace, resource, name, subresource: subresource.length > 0 ? subresource.join('/') : undefined };
}

/** get and list, in the representation that the client accepts. */
import type { IncomingMessage } from 'node:http';
import type { KubeList, KubeObject } from '#shared/kube/object.ts';
import type { ApiStore, ListRequest } from '../../store/api-store.ts';
import { apiVersionOf, type AnyDefinition } from '../definition.ts';
import { ApiError, badRequest, gone, notFound } from '../errors.ts';
import { negotiate, type Accepted } from '../http/negotiation.ts';
import type { Answer } from '../http/respond.ts';
import type { Target } from '../http/target.ts';
import { metadataListOf, metadataOnly } from '../representation/partial-metadata.ts';
import { includeObjectOf, tableOf } from '../representation/table.ts';
import { matcherOf } from '../selectors/matcher.ts';

export interface ReadContext {
  store: ApiStore;
  definition: AnyDefinition;
  target: Target;
  request: IncomingMessage;
  query: URLSearchParams;
}

export function get({ store, definition, target, request, query }: ReadContext): Answer {
  const object = store.get(definition, target.namespace, target.name ?? '');
  if (!object) throw notFound(definition, target.name ?? '');
  return represent(definition, object, negotiate(request.headers.accept), query);
}

/** One object as the client wants to see it. */
export function represent(definition: AnyDefinition, object: KubeObject, accepted: Accepted, query: URLSearchParams): Answer {
  const { resourceVersion } = object.metadata;
  const metadata = resourceVersion === undefined ? {} : { resourceVersion };
  switch (accepted.representation) {
    case 'table':
      return { status: 200, body: tableOf(definition, [object], metadata, { includeObject: includeObjectOf(query) }) };
    case 'metadata':
      return { status: 200, body: metadataOnly(object) };
    case 'object':
      return { status: 200, body: object };
  }
}

export function list({ store, definition, target, request, query }: ReadContext): Answer {
  const accepted = negotiate(request.headers.accept);
  checkRevision(store, query);
  const { items, ...metadata } = store.list(definition, listRequest(target, query));
  if (accepted.representation === 'table') {
    return { status: 200, body: tableOf(definition, items, metadata, { includeObject: includeObjectOf(query) }) };
  }
  const found: KubeList = { kind: `${definition.kind}List`, apiVersion: apiVersionOf(definition), metadata, items };
  return { status: 200, body: accepted.representation === 'metadata' ? metadataListOf(found) : found };
}

/**
 * A list shows what is now, which serves who asks for anything at least as new as a revision.
 * @throws ApiError 504 for a revision that is yet to come (client-go then lists without one), 410 for exactly an old one
 */
function checkRevision(store: ApiStore, query: URLSearchParams): void {
  const asked = query.get('resourceVersion') ?? '';
  if (asked === '' || asked === '0' || query.has('continue')) return;
  if (!/^\d{1,15}$/.test(asked)) throw badRequest(`Invalid resourceVersion: "${asked}" is not a number.`);
  if (Number(asked) > Number(store.resourceVersion)) {
    const causes = [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }];
    const message = `Too large resource version: ${asked}, current: ${store.resourceVersion}`;
    throw new ApiError(504, 'Timeout', message, { causes, retryAfterSeconds: 1 });
  }
  if (query.get('resourceVersionMatch') === 'Exact' && asked !== store.resourceVersion) {
    throw gone(`The list as of resourceVersion ${asked} is no longer kept; only the newest (${store.resourceVersion}) is.`);
  }
}

function listRequest(target: Target, query: URLSearchParams): ListRequest {
  const request: ListRequest = {};
  if (target.namespace !== undefined) request.namespace = target.namespace;
  const matches = matcherOf(query);
  if (matches) request.matches = matches;
  const limit = Number(query.get('limit') ?? 0);
  if (!Number.isInteger(limit) || limit < 0) throw badRequest(`limit=${query.get('limit') ?? ''} is no count`);
  if (limit > 0) request.limit = limit;
  const token = query.get('continue');
  if (token) request.continue = token;
  return request;
}

/** get and list, in the representation that the client accepts. */
import type { IncomingMessage } from 'node:http';
import type { KubeList, KubeObject } from '#shared/kube/object.ts';
import type { User } from '../../access/user.ts';
import type { ApiStore } from '../../store/api-store.ts';
import { apiVersionOf, type AnyDefinition } from '../definition.ts';
import { notFound } from '../errors.ts';
import { negotiate, type Accepted } from '../http/negotiation.ts';
import type { Answer } from '../http/respond.ts';
import type { Target } from '../http/target.ts';
import { metadataListOf, metadataOnly } from '../representation/partial-metadata.ts';
import { includeObjectOf, tableOf } from '../representation/table.ts';
import { listRequestOf } from './list-options.ts';

export interface ReadContext {
  store: ApiStore;
  definition: AnyDefinition;
  target: Target;
  request: IncomingMessage;
  query: URLSearchParams;
  user: User;
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
  const { items, ...metadata } = store.list(definition, listRequestOf(store, target, query));
  if (accepted.representation === 'table') {
    return { status: 200, body: tableOf(definition, items, metadata, { includeObject: includeObjectOf(query) }) };
  }
  const found: KubeList = { kind: `${definition.kind}List`, apiVersion: apiVersionOf(definition), metadata, items };
  return { status: 200, body: accepted.representation === 'metadata' ? metadataListOf(found) : found };
}

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

export async function get({ store, definition, target, request, query }: ReadContext): Promise<Answer> {
  const { namespace, name = '' } = target;
  const object = definition.compute
    ? (await computed(definition, namespace)).find(({ metadata }) => metadata.name === name)
    : store.get(definition, namespace, name);
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

export async function list({ store, definition, target, request, query }: ReadContext): Promise<Answer> {
  const accepted = negotiate(request.headers.accept);
  const asked = listRequestOf(store, target, query);
  const { items, ...metadata } = definition.compute
    ? { items: (await computed(definition, target.namespace)).filter(asked.matches ?? (() => true)) }
    : store.list(definition, asked);
  if (accepted.representation === 'table') {
    return { status: 200, body: tableOf(definition, items, metadata, { includeObject: includeObjectOf(query) }) };
  }
  const found: KubeList = { kind: `${definition.kind}List`, apiVersion: apiVersionOf(definition), metadata, items };
  return { status: 200, body: accepted.representation === 'metadata' ? metadataListOf(found) : found };
}

/** All that there is of a kind that is worked out, in one namespace or everywhere. */
async function computed(definition: AnyDefinition, namespace: string | undefined): Promise<KubeObject[]> {
  const all = (await definition.compute?.()) ?? [];
  return namespace === undefined ? all : all.filter(({ metadata }) => metadata.namespace === namespace);
}

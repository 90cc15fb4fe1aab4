/** What every way of writing an object ends with. */
import type { IncomingMessage } from 'node:http';
import type { KubeObject, Status } from '#shared/kube/object.ts';
import type { User } from '../../access/user.ts';
import type { ApiStore, WriteRequest } from '../../store/api-store.ts';
import type { AnyDefinition } from '../definition.ts';
import { badRequest } from '../errors.ts';
import type { Target } from '../http/target.ts';
import { isDryRun } from './dry-run.ts';
import { managerOf } from './manager.ts';

export interface Written {
  status: number;
  object: KubeObject | Status;
  warnings: string[];
}

export interface WriteContext {
  store: ApiStore;
  definition: AnyDefinition;
  target: Target;
  request: IncomingMessage;
  query: URLSearchParams;
  user: User;
}

/** Puts the request's namespace into the object, or finds that they differ. */
export function place(object: KubeObject, { definition, target }: WriteContext): void {
  const { namespace } = object.metadata;
  if (!definition.namespaced) {
    delete object.metadata.namespace;
    return;
  }
  if (namespace !== undefined && namespace !== target.namespace) {
    throw badRequest(
      `the namespace of the provided object does not match the namespace sent on the request (${namespace} and ${target.namespace ?? ''})`,
    );
  }
  if (target.namespace !== undefined) object.metadata.namespace = target.namespace;
}

/** @param warnings gets what admission says beside its answer */
export function writeRequest({ query, request }: WriteContext, warnings: string[]): WriteRequest {
  const manager = managerOf(query, request);
  return { dryRun: isDryRun(query.getAll('dryRun')), manager, warn: (text) => warnings.push(text) };
}

/** @throws ApiError 400, and what the store throws */
export function replace(context: WriteContext, object: KubeObject, request: WriteRequest): KubeObject {
  const { store, definition, target } = context;
  place(object, context);
  if (object.metadata.name !== target.name) {
    throw badRequest(`the name of the object (${object.metadata.name ?? ''}) does not match the name on the URL (${target.name ?? ''})`);
  }
  return store.update(definition, object, target.subresource === 'status' ? { ...request, subresource: 'status' } : request);
}

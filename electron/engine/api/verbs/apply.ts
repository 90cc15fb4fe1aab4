/** Server-side apply: `PATCH` with `application/apply-patch+yaml`. Source: Kubernetes' server-side apply. */
import type { KubeObject } from '#shared/kube/object.ts';
import { timestamp } from '../../store/keys.ts';
import { apiVersionOf } from '../definition.ts';
import { badRequest, conflict, notFound } from '../errors.ts';
import { parseJsonBody, parseYamlBody } from '../http/body.ts';
import { isJsonObject } from '../http/json.ts';
import { applyObject } from '../ownership/apply.ts';
import { readClaims, type Manager } from '../ownership/managers.ts';
import { shapeOf } from '../ownership/shape.ts';
import { checkObject } from './decode.ts';
import { applierOf, isForced } from './manager.ts';
import { place, replace, writeRequest, type WriteContext, type Written } from './replace.ts';

export const applyType = 'application/apply-patch+yaml';

/** Under this name kubectl goes on with what it used to apply by itself, noted in an annotation. */
const clientSideSuccessor = 'kubectl';
const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';

/** @throws ApiError 400, 404 (of a status), 409 with a cause for each field that is another's, 422 */
export async function apply(context: WriteContext, bytes: Buffer): Promise<Written> {
  const { store, definition, target, request, query } = context;
  const { subresource } = target;
  const manager = applierOf(query, request);
  const { value, duplicates } = /^\s*\{/.test(bytes.subarray(0, 64).toString()) ? parseJsonBody(bytes) : await parseYamlBody(bytes);
  if (!isJsonObject(value)) throw badRequest('the request has no object in its body');
  for (const field of ['apiVersion', 'kind']) {
    if (typeof value[field] !== 'string') throw badRequest(`what is applied must say its ${field}`);
  }
  const { object: applied, warnings } = checkObject(value, definition, { query, subresource, duplicates, partial: true });
  if (applied.metadata.managedFields !== undefined) throw badRequest('metadata.managedFields must be nil');
  applied.metadata.name ??= target.name ?? '';
  if (applied.metadata.name !== target.name) {
    throw badRequest(`the name of the object (${applied.metadata.name}) does not match the name on the URL (${target.name ?? ''})`);
  }
  place(applied, context);

  const live = store.get(definition, target.namespace, applied.metadata.name);
  if (!live) checkMayCreate(context, applied);
  const by: Manager = { manager, operation: 'Apply', apiVersion: apiVersionOf(definition), ...(subresource === undefined ? {} : { subresource }) };
  const { object, claims } = applyObject({
    ...{ live, applied, by, force: isForced(query), now: timestamp() },
    claims: readClaims(live?.metadata.managedFields) ?? [],
    lastApplied: manager === clientSideSuccessor ? lastAppliedOf(live) : undefined,
    shape: shapeOf(definition),
    hasStatus: definition.statusSubresource,
  });
  // What was applied has been judged already; together with the rest it must be whole.
  const whole = checkObject(object as unknown as Record<string, unknown>, definition, { query: new URLSearchParams(), subresource });
  const write = { ...writeRequest(context, warnings), claims };
  return live
    ? { status: 200, object: replace(context, whole.object, write), warnings }
    : { status: 201, object: store.create(definition, whole.object, write), warnings };
}

function checkMayCreate({ definition, target }: WriteContext, applied: KubeObject): void {
  const { name = '', uid, resourceVersion } = applied.metadata;
  if (target.subresource !== undefined) throw notFound(definition, name);
  if (uid) throw conflict(definition, name, `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`);
  if (resourceVersion) throw conflict(definition, name, 'a resourceVersion was given, and no existing object was found');
}

function lastAppliedOf(live: KubeObject | undefined): KubeObject | undefined {
  const text = live?.metadata.annotations?.[lastAppliedAnnotation];
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? (value as unknown as KubeObject) : undefined;
  } catch {
    // A note that nobody can read says nothing.
    return undefined;
  }
}

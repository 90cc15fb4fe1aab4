/** create, update, patch and delete. */
import type { KubeObject, Status } from '#shared/kube/object.ts';
import { takesStrategicPatches, type AnyDefinition } from '../definition.ts';
import { ApiError, badRequest, notFound } from '../errors.ts';
import { contentTypeOf, parseJsonBody, readBody } from '../http/body.ts';
import { copyJson, isJsonObject, type Json } from '../http/json.ts';
import { jsonPatch } from '../patch/json-patch.ts';
import { mergePatch } from '../patch/merge-patch.ts';
import { strategicPatch } from '../patch/strategic-patch.ts';
import { metadataSchema } from '../schema-checks/metadata-schema.ts';
import { matcherOf } from '../selectors/matcher.ts';
import { apply, applyType } from './apply.ts';
import { checkObject, decodeObject } from './decode.ts';
import { deleteRequestOf } from './delete-options.ts';
import { checkNoForce } from './manager.ts';
import { place, replace, writeRequest, type WriteContext, type Written } from './replace.ts';

export async function create(context: WriteContext): Promise<Written> {
  const { store, definition, request, query, user } = context;
  const { object, warnings } = await decodeObject(request, definition, { query, subresource: undefined });
  await definition.prepare?.(object);
  place(object, context);
  if (definition.answer) return { status: 201, object: (await definition.answer(object, user)) as KubeObject, warnings };
  return { status: 201, object: store.create(definition, object, writeRequest(context, warnings)), warnings };
}

export async function update(context: WriteContext): Promise<Written> {
  const { definition, request, query, target } = context;
  const { object, warnings } = await decodeObject(request, definition, { query, subresource: target.subresource });
  await definition.prepare?.(object);
  return { status: 200, object: replace(context, object, writeRequest(context, warnings)), warnings };
}

export async function patch(context: WriteContext): Promise<Written> {
  const { store, definition, target, request, query } = context;
  const type = contentTypeOf(request);
  checkPatchType(type, definition);
  const bytes = await readBody(request);
  await definition.prepare?.(bytes);
  if (type === applyType) return await apply(context, bytes);
  checkNoForce(query);
  const { value, duplicates } = parseJsonBody(bytes);
  const current = store.get(definition, target.namespace, target.name ?? '');
  if (!current) throw notFound(definition, target.name ?? '');
  const patched = applyPatch(type, current, value as Json, definition);
  if (!isJsonObject(patched)) throw badRequest('the patch leaves no object');
  const { object, warnings } = checkObject(patched, definition, { query, subresource: target.subresource, duplicates });
  return { status: 200, object: replace(context, object, writeRequest(context, warnings)), warnings };
}

function applyPatch(type: string, current: KubeObject, value: Json, definition: AnyDefinition): Json {
  const target = copyJson(current) as unknown as Json;
  switch (type) {
    case 'application/json-patch+json':
      return jsonPatch(target, value);
    case 'application/merge-patch+json':
      return mergePatch(target, value);
    case 'application/strategic-merge-patch+json': {
      const { schema } = definition;
      return strategicPatch(target, value, { ...schema, properties: { ...schema.properties, metadata: metadataSchema } });
    }
    default:
      throw new Error(`The patch type ${type} was not checked.`);
  }
}

/** @throws ApiError 415 */
function checkPatchType(type: string, definition: AnyDefinition): void {
  const unsupported = (message: string): ApiError => new ApiError(415, 'UnsupportedMediaType', message);
  switch (type) {
    case 'application/json-patch+json':
    case 'application/merge-patch+json':
    case applyType:
      return;
    case 'application/strategic-merge-patch+json':
      if (takesStrategicPatches(definition)) return;
      throw unsupported('strategic merge patches are for the kinds of Kubernetes itself; use a merge patch (kubectl patch --type=merge)');
    default:
      throw unsupported(`patches of type "${type}" are not known; use a JSON patch, a merge patch or a strategic merge patch`);
  }
}

export async function remove(context: WriteContext): Promise<Written> {
  const { store, definition, target, request, query } = context;
  const name = target.name ?? '';
  const { object, removed } = store.delete(definition, target.namespace, name, await deleteRequestOf(request, query));
  if (!removed) return { status: 200, object, warnings: [] };
  const { group, plural } = definition;
  const status: Status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { name, group, kind: plural, ...(object.metadata.uid === undefined ? {} : { uid: object.metadata.uid }) },
  };
  return { status: 200, object: status, warnings: [] };
}

export async function removeCollection(context: WriteContext): Promise<Written> {
  const { store, definition, target, request, query } = context;
  const options = await deleteRequestOf(request, query);
  const matches = matcherOf(query);
  const { items } = store.list(definition, {
    ...(target.namespace === undefined ? {} : { namespace: target.namespace }),
    ...(matches ? { matches } : {}),
  });
  for (const { metadata } of items) {
    try {
      store.delete(definition, metadata.namespace, metadata.name ?? '', options);
    } catch (error) {
      // One that went with another is as gone as was asked for.
      if (!(error instanceof ApiError && error.code === 404)) throw error;
    }
  }
  const status: Status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' };
  return { status: 200, object: status, warnings: [] };
}

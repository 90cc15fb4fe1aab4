/** `/scale` of a kind: how many copies it wants and has, in the words of autoscaling/v1, whatever its own words are. */
import type { KubeObject, ObjectMeta } from '#shared/kube/object.ts';
import { scaleKind } from '../discovery/api-resources.ts';
import { apiVersionOf, type ScalePaths } from '../definition.ts';
import { ApiError, badRequest, invalid, notFound } from '../errors.ts';
import { contentTypeOf, parseBody, parseJsonBody, readBody } from '../http/body.ts';
import { copyJson, isJsonObject, type Json, type JsonObject } from '../http/json.ts';
import type { Answer } from '../http/respond.ts';
import { jsonPatch } from '../patch/json-patch.ts';
import { mergePatch } from '../patch/merge-patch.ts';
import { validate } from '../schema-checks/validate.ts';
import { writeRequest, type WriteContext } from './replace.ts';

interface Scale extends KubeObject {
  spec: { replicas: number };
  status: { replicas: number; selector?: string };
}

/** @throws ApiError 400, 404, 409, 415, 422 */
export async function serveScale(context: WriteContext): Promise<Answer> {
  const { store, definition, target, request } = context;
  const read = (): KubeObject => {
    const object = store.get(definition, target.namespace, target.name ?? '');
    if (!object) throw notFound(definition, target.name ?? '');
    return object;
  };
  const { scale: paths } = definition;
  if (!paths) throw notFound(definition, target.name ?? '');
  if (request.method === 'GET' || request.method === 'HEAD') return { status: 200, body: scaleOf(read(), paths) };
  const type = contentTypeOf(request);
  const bytes = await readBody(request);
  const before = read();
  const wanted = request.method === 'PUT' ? (await parseBody(bytes, type)).value : patched(type, scaleOf(before, paths), bytes);
  const written = write(context, before, wanted, paths);
  return { status: 200, body: scaleOf(written, paths) };
}

function patched(type: string, scale: Scale, bytes: Buffer): Json {
  const { value } = parseJsonBody(bytes);
  const from: unknown = copyJson(scale);
  if (type === 'application/json-patch+json') return jsonPatch(from as Json, value);
  // A Scale has no lists, so a strategic patch of it is a merge patch.
  if (type === 'application/merge-patch+json' || type === 'application/strategic-merge-patch+json') return mergePatch(from as Json, value as Json);
  throw new ApiError(415, 'UnsupportedMediaType', `patches of type "${type}" cannot be applied to a scale; use a merge patch or a JSON patch`);
}

function write(context: WriteContext, before: KubeObject, wanted: unknown, paths: ScalePaths): KubeObject {
  const { store, definition, target } = context;
  const metadata = isJsonObject(wanted) ? (wanted['metadata'] as ObjectMeta | undefined) : undefined;
  const spec = isJsonObject(wanted) ? wanted['spec'] : undefined;
  const replicas = isJsonObject(spec) ? (spec['replicas'] ?? 0) : 0;
  if (!isJsonObject(wanted)) throw badRequest('the request has no scale in its body');
  const name = target.name ?? '';
  if (typeof replicas !== 'number' || !Number.isInteger(replicas) || replicas < 0) {
    const cause = { reason: 'FieldValueInvalid', field: 'spec.replicas', message: `Invalid value: ${JSON.stringify(replicas)}: must be greater than or equal to 0` };
    throw invalid({ ...scaleKind, plural: 'scales' }, name, [cause]);
  }
  if (metadata?.name !== undefined && metadata.name !== name) throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  const next = copyJson(before);
  setAt(next as unknown as JsonObject, paths.specReplicasPath, replicas);
  const { uid, resourceVersion } = metadata ?? {};
  next.metadata = { ...next.metadata, ...(uid ? { uid } : {}) };
  if (resourceVersion) next.metadata.resourceVersion = resourceVersion;
  const { causes } = validate(definition, next);
  if (causes.length > 0) throw invalid(definition, name, causes);
  return store.update(definition, next, writeRequest(context, []));
}

function scaleOf(object: KubeObject, paths: ScalePaths): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const selector = paths.labelSelectorPath === undefined ? undefined : at(object, paths.labelSelectorPath);
  return {
    kind: scaleKind.kind,
    apiVersion: apiVersionOf(scaleKind),
    metadata: {
      ...(name === undefined ? {} : { name }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    },
    spec: { replicas: countAt(object, paths.specReplicasPath) },
    status: { replicas: countAt(object, paths.statusReplicasPath), ...(typeof selector === 'string' ? { selector } : {}) },
  };
}

const stepsOf = (path: string): string[] => path.split('.').filter((step) => step !== '');

function at(object: unknown, path: string): unknown {
  return stepsOf(path).reduce<unknown>((value, step) => (isJsonObject(value) && Object.hasOwn(value, step) ? value[step] : undefined), object);
}

function countAt(object: KubeObject, path: string): number {
  const value = at(object, path);
  return typeof value === 'number' ? value : 0;
}

function setAt(object: JsonObject, path: string, value: number): void {
  const steps = stepsOf(path);
  const last = steps.pop() ?? '';
  const parent = steps.reduce((inside, step) => {
    const there = inside[step];
    if (isJsonObject(there)) return there;
    const made: JsonObject = {};
    inside[step] = made;
    return made;
  }, object);
  parent[last] = value;
}

/** From a request's body to an object that its kind's schema has seen. */
import type { IncomingMessage } from 'node:http';
import type { KubeObject } from '#shared/kube/object.ts';
import type { AnyDefinition } from '../definition.ts';
import { badRequest, invalid } from '../errors.ts';
import { contentTypeOf, parseBody, readBody } from '../http/body.ts';
import { isJsonObject } from '../http/json.ts';
import { validate } from '../schema-checks/validate.ts';

export interface Decoded {
  object: KubeObject;
  /** What a client should show to its person. */
  warnings: string[];
}

const apiVersionOf = ({ group, version }: AnyDefinition): string => (group === '' ? version : `${group}/${version}`);

/** @throws ApiError 400, 413, 415, 422 */
export async function decodeObject(request: IncomingMessage, of: AnyDefinition, query: URLSearchParams): Promise<Decoded> {
  const { value, duplicates } = await parseBody(await readBody(request), contentTypeOf(request));
  if (!isJsonObject(value)) throw badRequest('the request has no object in its body');
  return checkObject(value, of, query, duplicates);
}

/**
 * Checks against the schema as `fieldValidation` asks: Strict refuses unknown fields, Warn (the default) tells of
 * them, Ignore drops them in silence.
 * @throws ApiError 400, 422
 */
export function checkObject(
  value: Record<string, unknown>,
  of: AnyDefinition,
  query: URLSearchParams,
  duplicates: readonly string[] = [],
): Decoded {
  const object = value as unknown as KubeObject;
  // Lists hold objects without their kind, and so do some clients' requests.
  value['apiVersion'] ??= apiVersionOf(of);
  value['kind'] ??= of.kind;
  value['metadata'] ??= {};
  if (object.apiVersion !== apiVersionOf(of) || object.kind !== of.kind) {
    throw badRequest(
      `the object provided is unrecognized: ${object.apiVersion}, Kind=${object.kind} was sent where ${apiVersionOf(of)}, Kind=${of.kind} belongs`,
    );
  }
  const { unknown, causes } = validate(of, object);
  if (causes.length > 0) throw invalid(of, object.metadata.name ?? '', causes);
  const faults = [...unknown.map((path) => `unknown field "${path}"`), ...duplicates.map((path) => `duplicate field "${path}"`)];
  const mode = query.get('fieldValidation') ?? 'Warn';
  if (faults.length > 0 && mode === 'Strict') {
    throw badRequest(`${of.kind} in version "${of.version}" cannot be handled as a ${of.kind}: strict decoding error: ${faults.join(', ')}`);
  }
  return { object, warnings: mode === 'Ignore' ? [] : faults };
}

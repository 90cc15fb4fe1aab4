/** From a request's body to an object that its kind's schema has seen. */
import type { IncomingMessage } from 'node:http';
import type { KubeObject } from '#shared/kube/object.ts';
import { apiVersionOf, type AnyDefinition } from '../definition.ts';
import { badRequest, invalid } from '../errors.ts';
import { contentTypeOf, parseBody, readBody } from '../http/body.ts';
import { isJsonObject } from '../http/json.ts';
import { validate } from '../schema-checks/validate.ts';

export interface Decoded {
  object: KubeObject;
  /** What a client should show to its person. */
  warnings: string[];
}

export interface DecodeOptions {
  query: URLSearchParams;
  /** What of the object is written: all but its status, or nothing but it. */
  subresource: string | undefined;
  /** Paths of keys that came twice. */
  duplicates?: readonly string[];
  /** What was applied: others may give the rest. */
  partial?: boolean;
}

/** @throws ApiError 400, 413, 415, 422 */
export async function decodeObject(request: IncomingMessage, of: AnyDefinition, options: DecodeOptions): Promise<Decoded> {
  const { value, duplicates } = await parseBody(await readBody(request), contentTypeOf(request));
  if (!isJsonObject(value)) throw badRequest('the request has no object in its body');
  return checkObject(value, of, { ...options, duplicates });
}

/**
 * Checks against the schema as `fieldValidation` asks: Strict refuses unknown fields, Warn (the default) tells of
 * them, Ignore drops them in silence.
 * @throws ApiError 400, 422
 */
export function checkObject(
  value: Record<string, unknown>,
  of: AnyDefinition,
  { query, subresource, duplicates = [], partial = false }: DecodeOptions,
): Decoded {
  const mode = fieldValidationOf(query);
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
  // What will not be written is not judged: a person who sends back what was read is no author of its status.
  if (of.statusSubresource && subresource !== 'status') delete value['status'];
  const { unknown, causes } = validate(of, object, partial);
  const faults = [...unknown.map((path) => `unknown field "${path}"`), ...duplicates.map((path) => `duplicate field "${path}"`)];
  if (faults.length > 0 && mode === 'Strict') {
    throw badRequest(`${of.kind} in version "${of.version}" cannot be handled as a ${of.kind}: strict decoding error: ${faults.join(', ')}`);
  }
  if (causes.length > 0) throw invalid(of, object.metadata.name ?? '', causes);
  return { object, warnings: mode === 'Ignore' ? [] : faults };
}

function fieldValidationOf(query: URLSearchParams): 'Strict' | 'Warn' | 'Ignore' {
  const mode = query.get('fieldValidation') ?? '';
  if (mode === '') return 'Warn';
  if (mode === 'Strict' || mode === 'Warn' || mode === 'Ignore') return mode;
  throw badRequest(`fieldValidation=${mode} is not known; it can be Strict, Warn or Ignore`);
}

/** DeleteOptions (meta/v1), from the body and the query. */
import type { IncomingMessage } from 'node:http';
import type { DeleteRequest } from '../../store/api-store.ts';
import { badRequest, invalid } from '../errors.ts';
import { contentTypeOf, parseBody, readBody } from '../http/body.ts';
import { isJsonObject } from '../http/json.ts';
import { flagOf } from '../http/query.ts';
import { isDryRun } from './dry-run.ts';

interface DeleteOptions {
  propagationPolicy?: string;
  orphanDependents?: boolean;
  preconditions?: { uid?: string; resourceVersion?: string };
  dryRun?: string[];
}

const deleteOptions = { group: 'meta.k8s.io', plural: 'deleteoptions', kind: 'DeleteOptions' };

/** @throws ApiError 400 for what is no DeleteOptions, 422 for options that contradict each other */
export async function deleteRequestOf(request: IncomingMessage, query: URLSearchParams): Promise<DeleteRequest> {
  const { value } = await parseBody(await readBody(request), contentTypeOf(request));
  if (value !== undefined && !isDeleteOptions(value)) throw badRequest("the request's body is no DeleteOptions");
  const options = value ?? {};
  const orphan = query.has('orphanDependents') ? flagOf(query, 'orphanDependents') : options.orphanDependents;
  const asked = query.get('propagationPolicy') ?? options.propagationPolicy;
  if (orphan !== undefined && asked !== undefined) {
    const message = 'Invalid value: orphanDependents and propagationPolicy cannot both be set';
    throw invalid(deleteOptions, '', [{ reason: 'FieldValueInvalid', field: 'orphanDependents', message }]);
  }
  const byOrphan = orphan === undefined ? undefined : orphan ? 'Orphan' : 'Background';
  const policy = asked ?? byOrphan;
  const result: DeleteRequest = { dryRun: isDryRun([...query.getAll('dryRun'), ...(options.dryRun ?? [])]) };
  if (policy === 'Background' || policy === 'Foreground' || policy === 'Orphan') result.propagationPolicy = policy;
  else if (policy !== undefined) throw badRequest(`propagationPolicy can be Background, Foreground or Orphan, not "${policy}"`);
  if (options.preconditions) result.preconditions = options.preconditions;
  return result;
}

/** What is not given may be null, as everywhere in Kubernetes. */
function isDeleteOptions(value: unknown): value is DeleteOptions {
  if (!isJsonObject(value)) return false;
  for (const [key, item] of Object.entries(value)) if (item === null) Reflect.deleteProperty(value, key);
  const { propagationPolicy, orphanDependents, preconditions, dryRun } = value;
  const isText = (text: unknown): boolean => text === undefined || typeof text === 'string';
  return (
    isText(propagationPolicy) &&
    (orphanDependents === undefined || typeof orphanDependents === 'boolean') &&
    (dryRun === undefined || (Array.isArray(dryRun) && dryRun.every(isText))) &&
    (preconditions === undefined ||
      (isJsonObject(preconditions) && isText(preconditions['uid']) && isText(preconditions['resourceVersion'])))
  );
}

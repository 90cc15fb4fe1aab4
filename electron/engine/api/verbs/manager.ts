/** Who writes, as the request says: `fieldManager`, or else the program's own name. */
import type { IncomingMessage } from 'node:http';
import type { ApiError } from '../errors.ts';
import { invalid } from '../errors.ts';
import { flagOf } from '../http/query.ts';

const patchOptions = { group: 'meta.k8s.io', plural: 'patchoptions', kind: 'PatchOptions' };
const longest = 128;

/** @throws ApiError 422 */
export function managerOf(query: URLSearchParams, request: IncomingMessage): string {
  const given = query.get('fieldManager') ?? '';
  if (given.length > longest) throw refused('TooLong', `Too long: may not be more than ${longest} bytes`);
  if (/[^\P{C}]/u.test(given)) throw refused('Invalid', `Invalid value: ${JSON.stringify(given)}: should only contain printable characters`);
  if (given !== '') return given;
  const program = (request.headers['user-agent'] ?? '').split('/', 1)[0] ?? '';
  return program.replaceAll(/[^\x21-\x7e]/g, '').slice(0, longest) || 'unknown';
}

/** Who applies must say who they are. @throws ApiError 422 */
export function applierOf(query: URLSearchParams, request: IncomingMessage): string {
  if (!query.get('fieldManager')) throw refused('Required', 'Required value: is required for apply patch');
  return managerOf(query, request);
}

/** @throws ApiError 422 */
export function checkNoForce(query: URLSearchParams): void {
  if (!query.has('force')) return;
  const message = 'Forbidden: may not be specified for non-apply patch';
  throw invalid(patchOptions, '', [{ reason: 'FieldValueForbidden', field: 'force', message }]);
}

export const isForced = (query: URLSearchParams): boolean => flagOf(query, 'force');

const refused = (what: string, message: string): ApiError =>
  invalid(patchOptions, '', [{ reason: `FieldValue${what}`, field: 'fieldManager', message }]);

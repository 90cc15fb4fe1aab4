/** JSON patches. RFC 6902, with pointers of RFC 6901. */
import { isDeepStrictEqual } from 'node:util';
import { ApiError, badRequest } from '../errors.ts';
import { copyJson, isJsonObject, type Json } from '../http/json.ts';

interface Operation {
  op: string;
  path: string;
  from?: string;
  value?: Json;
}

/** Kubernetes' own bounds: copies of copies would grow without end. */
const maxOperations = 10_000;
const maxCopiedCharacters = 3 * 1024 * 1024;

/** @throws ApiError 400 for what is no patch, 422 for one that does not fit the object */
export function jsonPatch(target: Json, patch: unknown): Json {
  if (!Array.isArray(patch)) throw badRequest('a JSON patch is a list of operations');
  if (patch.length > maxOperations) throw tooLarge(`it has more than ${maxOperations} operations`);
  let copied = 0;
  let result = copyJson(target);
  for (const entry of patch as unknown[]) {
    if (!isJsonObject(entry) || typeof entry['op'] !== 'string' || typeof entry['path'] !== 'string') {
      throw badRequest('every operation of a JSON patch has an "op" and a "path"');
    }
    const operation = entry as unknown as Operation;
    if (operation.op === 'copy') copied += JSON.stringify(read(result, needed(operation.from, 'copy'))).length;
    if (copied > maxCopiedCharacters) throw tooLarge('it copies too much');
    result = apply(result, operation);
  }
  return result;
}

function apply(document: Json, { op, path, from, value }: Operation): Json {
  switch (op) {
    case 'add':
      return add(document, path, needed(value, op));
    case 'replace':
      read(document, path);
      return path === '' ? needed(value, op) : add(remove(document, path), path, needed(value, op));
    case 'remove':
      return remove(document, path);
    case 'copy':
      return add(document, path, copyJson(read(document, needed(from, op))));
    case 'move': {
      const moved = read(document, needed(from, op));
      return add(remove(document, needed(from, op)), path, moved);
    }
    case 'test':
      if (!isDeepStrictEqual(read(document, path), value)) throw misfit(`testing value ${path} failed`);
      return document;
    default:
      throw badRequest(`a JSON patch knows no operation "${op}"`);
  }
}

function needed<T>(value: T | undefined, op: string): T {
  if (value === undefined) throw badRequest(`the operation "${op}" lacks a field`);
  return value;
}

function steps(path: string): string[] {
  if (path === '') return [];
  if (!path.startsWith('/')) throw badRequest(`"${path}" is no JSON pointer`);
  return path
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function child(parent: Json | undefined, step: string): Json | undefined {
  if (Array.isArray(parent)) return parent[indexOf(step, parent.length - 1)];
  return isJsonObject(parent) && Object.hasOwn(parent, step) ? (parent[step]) : undefined;
}

function read(document: Json, path: string): Json {
  const found = steps(path).reduce<Json | undefined>(child, document);
  if (found === undefined) throw misfit(`there is nothing at ${path}`);
  return found;
}

function parentOf(document: Json, path: string): { parent: Json; last: string } {
  const all = steps(path);
  const last = all.pop() ?? '';
  const parent = all.reduce<Json | undefined>(child, document);
  if (parent === undefined) throw misfit(`there is nothing above ${path}`);
  return { parent, last };
}

function add(document: Json, path: string, value: Json): Json {
  if (path === '') return value;
  const { parent, last } = parentOf(document, path);
  if (Array.isArray(parent)) parent.splice(last === '-' ? parent.length : indexOf(last, parent.length), 0, value);
  else if (isJsonObject(parent) && last !== '__proto__') parent[last] = value;
  else throw misfit(`nothing can be added at ${path}`);
  return document;
}

function remove(document: Json, path: string): Json {
  read(document, path);
  const { parent, last } = parentOf(document, path);
  if (Array.isArray(parent)) parent.splice(indexOf(last, parent.length - 1), 1);
  else if (isJsonObject(parent)) Reflect.deleteProperty(parent, last);
  return document;
}

function indexOf(step: string, highest: number): number {
  const index = /^(0|[1-9]\d*)$/.test(step) ? Number(step) : Number.NaN;
  if (!(index <= highest)) throw misfit(`there is no element ${step}`);
  return index;
}

const tooLarge = (why: string): ApiError => new ApiError(413, 'RequestEntityTooLarge', `the JSON patch is too large: ${why}`);

const misfit = (message: string): ApiError =>
  new ApiError(422, 'Invalid', `the server rejected our request due to an error in our request: ${message}`);

/**
 * Strategic merge patches: like merge patches, but lists whose elements have a key are merged element by element, and
 * directives say more. Source: Kubernetes' strategic-merge-patch.md (sig-api-machinery).
 */
import { isDeepStrictEqual } from 'node:util';
import { badRequest } from '../errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../http/json.ts';
import type { ArraySchema, Schema } from '../schema.ts';

const orderPrefix = '$setElementOrder/';
const removalPrefix = '$deleteFromPrimitiveList/';

/**
 * @param schema of the value; where it knows nothing the patch works like a merge patch
 * @returns the patched value; what it was made from is left as it is
 * @throws ApiError 400 for directives that cannot be followed
 */
export function strategicPatch(target: Json | undefined, patch: Json, schema: Schema | undefined): Json {
  if (!isJsonObject(patch)) return patch;
  const { $patch: directive, $retainKeys: retained, ...fields } = patch;
  if (directive === 'delete') return {};
  if (directive !== undefined && directive !== 'replace' && directive !== 'merge') {
    throw badRequest(`unknown patch directive $patch: ${JSON.stringify(directive)}; it can be merge, replace or delete`);
  }
  const result: JsonObject = directive !== 'replace' && isJsonObject(target) ? { ...target } : {};
  if (retained !== undefined) retain(result, retained);
  for (const [key, value] of Object.entries(fields)) {
    if (key.startsWith(removalPrefix)) removeScalars(result, key.slice(removalPrefix.length), value);
    else if (key.startsWith(orderPrefix)) continue;
    else if (value === null) Reflect.deleteProperty(result, key);
    else result[key] = patchField(result[key], value, childSchema(schema, key), key);
  }
  for (const [key, order] of Object.entries(fields)) {
    if (!key.startsWith(orderPrefix)) continue;
    const name = key.slice(orderPrefix.length);
    const list = result[name];
    if (!Array.isArray(order)) throw badRequest(`${key} is no list`);
    if (Array.isArray(list)) result[name] = inOrder(list, order, listSchema(childSchema(schema, name))?.mergeKey);
  }
  return result;
}

function retain(result: JsonObject, retained: Json): void {
  if (!Array.isArray(retained)) throw badRequest('$retainKeys is no list');
  for (const key of Object.keys(result)) if (!retained.includes(key)) Reflect.deleteProperty(result, key);
}

function removeScalars(result: JsonObject, name: string, gone: Json): void {
  if (!Array.isArray(gone)) throw badRequest(`${removalPrefix}${name} is no list`);
  const list = result[name];
  if (Array.isArray(list)) result[name] = list.filter((item) => !gone.includes(item));
}

function childSchema(schema: Schema | undefined, key: string): Schema | undefined {
  if (schema?.type === 'object') return Object.hasOwn(schema.properties, key) ? schema.properties[key] : undefined;
  return schema?.type === 'map' ? schema.values : undefined;
}

const listSchema = (schema: Schema | undefined): ArraySchema | undefined => (schema?.type === 'array' ? schema : undefined);

function patchField(target: Json | undefined, patch: Json, schema: Schema | undefined, name: string): Json {
  if (!Array.isArray(patch)) return strategicPatch(target, patch, schema);
  const { mergeKey, set, items } = listSchema(schema) ?? {};
  const old = Array.isArray(target) ? target : [];
  if (mergeKey !== undefined) return mergeByKey(old, patch, { name, key: mergeKey, items });
  if (set === true) return [...old, ...patch.filter((item, at) => !old.includes(item) && patch.indexOf(item) === at)];
  return patch;
}

interface KeyedList {
  name: string;
  key: string;
  items: Schema | undefined;
}

function mergeByKey(old: readonly Json[], patch: readonly Json[], { name, key, items }: KeyedList): Json[] {
  const isReplacement = (item: Json): boolean => isJsonObject(item) && item['$patch'] === 'replace';
  let list: Json[] = patch.some(isReplacement) ? [] : [...old];
  for (const item of patch) {
    if (isReplacement(item)) continue;
    if (!isJsonObject(item) || item[key] === undefined) {
      throw badRequest(`an element of ${name} lacks its merge key "${key}": ${JSON.stringify(item)}`);
    }
    const index = list.findIndex((other) => isJsonObject(other) && other[key] === item[key]);
    if (item['$patch'] === 'delete') list = list.filter((_, at) => at !== index);
    else if (index < 0) list.push(strategicPatch(undefined, item, items));
    else list[index] = strategicPatch(list[index], item, items);
  }
  return list;
}

/** What is named comes in the order named; what is not keeps its place behind. */
function inOrder(list: readonly Json[], order: readonly Json[], key: string | undefined): Json[] {
  const place = (item: Json): number => {
    const index = order.findIndex((named) =>
      key !== undefined && isJsonObject(item) && isJsonObject(named) ? item[key] === named[key] : isDeepStrictEqual(item, named),
    );
    return index < 0 ? order.length : index;
  };
  return list.toSorted((a, b) => place(a) - place(b));
}

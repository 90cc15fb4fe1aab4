/**
 * Strategic merge patches: like merge patches, but lists whose elements have a key are merged element by element, and
 * directives say more. Source: Kubernetes' strategic-merge-patch.md (sig-api-machinery).
 */
import { isDeepStrictEqual } from 'node:util';
import { isJsonObject, type Json, type JsonObject } from '../http/json.ts';
import type { Schema } from '../schema.ts';

const orderPrefix = '$setElementOrder/';
const removalPrefix = '$deleteFromPrimitiveList/';

/**
 * @param schema of the value; where it knows nothing the patch works like a merge patch
 * @returns the patched value
 */
export function strategicPatch(target: Json | undefined, patch: Json, schema: Schema | undefined): Json {
  if (!isJsonObject(patch)) return patch;
  const { $patch: directive, $retainKeys: retained, ...fields } = patch;
  if (directive === 'delete') return {};
  const result: JsonObject = directive !== 'replace' && isJsonObject(target) ? { ...(target) } : {};
  if (directive === 'replace') return fields;
  if (Array.isArray(retained)) {
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- the directive's purpose
    for (const key of Object.keys(result)) if (!retained.includes(key)) delete result[key];
  }
  for (const [key, value] of Object.entries(fields)) {
    if (key.startsWith(removalPrefix)) {
      const name = key.slice(removalPrefix.length);
      const gone = Array.isArray(value) ? value : [];
      const list = result[name];
      if (Array.isArray(list)) result[name] = list.filter((item) => !gone.some((other) => isDeepStrictEqual(item, other)));
    } else if (!key.startsWith(orderPrefix)) {
      // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- null means: away with it
      if (value === null) delete result[key];
      else result[key] = patchField(result[key], value, childSchema(schema, key));
    }
  }
  for (const [key, order] of Object.entries(fields)) {
    const name = key.slice(orderPrefix.length);
    const list = result[name];
    if (!key.startsWith(orderPrefix) || !Array.isArray(order) || !Array.isArray(list)) continue;
    result[name] = inOrder(list, order, mergeKeyOf(childSchema(schema, name)));
  }
  return result;
}

function childSchema(schema: Schema | undefined, key: string): Schema | undefined {
  if (schema?.type === 'object') return schema.properties[key];
  return schema?.type === 'map' ? schema.values : undefined;
}

const mergeKeyOf = (schema: Schema | undefined): string | undefined =>
  schema?.type === 'array' ? schema.mergeKey : undefined;

function patchField(target: Json | undefined, patch: Json, schema: Schema | undefined): Json {
  if (!Array.isArray(patch)) return strategicPatch(target, patch, schema);
  const key = mergeKeyOf(schema);
  const items = schema?.type === 'array' ? schema.items : undefined;
  if (key === undefined) return patch;
  const replaced = patch.some((item) => isJsonObject(item) && item['$patch'] === 'replace' && !(key in item));
  let list: Json[] = replaced || !Array.isArray(target) ? [] : [...target];
  for (const item of patch) {
    if (!isJsonObject(item) || item[key] === undefined) continue;
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

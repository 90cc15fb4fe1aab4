/** Lists whose elements must differ: `x-kubernetes-list-type` set and map. */
import type { StatusCause } from '#shared/kube/object.ts';
import { isJsonObject, type Json } from '../../api/http/json.ts';
import { childPath } from '../../api/http/json-keys.ts';
import type { JsonSchema } from './json-schema.ts';

export function checkListType(value: Json, schema: JsonSchema, path: string): StatusCause[] {
  const type = schema['x-kubernetes-list-type'];
  if (!Array.isArray(value) || (type !== 'set' && type !== 'map')) return [];
  const seen = new Set<string>();
  return value.flatMap((item, at) => {
    const what = JSON.stringify(type === 'set' ? item : keyOf(item, schema));
    if (!seen.has(what)) {
      seen.add(what);
      return [];
    }
    return [{ reason: 'FieldValueDuplicate', field: childPath(path, at), message: `Duplicate value: ${what}` }];
  });
}

function keyOf(item: Json, schema: JsonSchema): Json {
  if (!isJsonObject(item)) return item;
  const names = schema['x-kubernetes-list-map-keys'] ?? [];
  return Object.fromEntries(names.map((name) => [name, item[name] ?? schema.items?.properties?.[name]?.default ?? null]));
}

/** What of an object a schema does not know is cut out, and what it gives by default is put in. */
import { metadataSchema } from '../../api/schema-checks/metadata-schema.ts';
import { copyJson, isJsonObject, type Json, type JsonObject } from '../../api/http/json.ts';
import { childPath } from '../../api/http/json-keys.ts';
import { fieldSchema, keepsUnknown, valuesOf, type JsonSchema } from './json-schema.ts';

const common = new Set(['apiVersion', 'kind', 'metadata']);

/**
 * Changes the value in place.
 * @param isResource whether the value is an object with its own apiVersion, kind and metadata
 * @param found gets the paths of what was cut out
 */
export function prune(value: Json, schema: JsonSchema, isResource: boolean, path: string, found: string[]): void {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (!items) return;
    value.forEach((item, at) => prune(item, items, items['x-kubernetes-embedded-resource'] === true, childPath(path, at), found));
    return;
  }
  if (!isJsonObject(value)) return;
  for (const [name, item] of Object.entries(value)) {
    const at = childPath(path, name);
    if (isResource && common.has(name)) {
      // The object's own metadata is judged with those of every other kind.
      if (name === 'metadata' && path !== '') pruneMetadata(item, at, found);
      continue;
    }
    const known = fieldSchema(schema, name);
    if (known) {
      prune(item, known, known['x-kubernetes-embedded-resource'] === true, at, found);
    } else if (!keepsUnknown(schema)) {
      found.push(at);
      Reflect.deleteProperty(value, name);
    }
  }
}

function pruneMetadata(metadata: Json, path: string, found: string[]): void {
  if (!isJsonObject(metadata)) return;
  for (const name of Object.keys(metadata)) {
    if (Object.hasOwn(metadataSchema.properties, name)) continue;
    found.push(childPath(path, name));
    Reflect.deleteProperty(metadata, name);
  }
}

/** Nulls where none may be: they say "not given". Those of fields with a default stay, to be filled. */
export function dropNulls(value: Json, schema: JsonSchema, withDefaults: boolean): void {
  eachChild(value, schema, (child, of, parent, name) => {
    if (child === null && of.nullable !== true && (withDefaults || of.default === undefined) && typeof name === 'string') {
      Reflect.deleteProperty(parent, name);
    } else {
      dropNulls(child, of, withDefaults);
    }
  });
}

export function fillDefaults(value: Json, schema: JsonSchema): void {
  if (isJsonObject(value)) {
    for (const [name, of] of Object.entries(schema.properties ?? {})) {
      const given = Object.hasOwn(value, name) ? value[name] : undefined;
      if (of.default !== undefined && (given === undefined || (given === null && of.nullable !== true))) value[name] = copyJson(of.default);
    }
  }
  eachChild(value, schema, (child, of, parent, name) => {
    if (child === null && of.nullable !== true && of.default !== undefined) parent[name] = copyJson(of.default);
    fillDefaults(parent[name] ?? null, of);
  });
}

type Parent = JsonObject & Record<string | number, Json>;

function eachChild(value: Json, schema: JsonSchema, visit: (child: Json, of: JsonSchema, parent: Parent, name: string | number) => void): void {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items) value.forEach((item, at) => visit(item, items, value as unknown as Parent, at));
  } else if (isJsonObject(value) && (schema.properties ?? valuesOf(schema))) {
    for (const [name, item] of Object.entries(value)) {
      const of = fieldSchema(schema, name);
      if (of) visit(item, of, value, name);
    }
  }
}

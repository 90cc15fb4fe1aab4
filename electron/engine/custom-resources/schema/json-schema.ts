/** Structural schemas as CustomResourceDefinitions hold them (apiextensions.k8s.io/v1 JSONSchemaProps). */
import type { Json } from '../../api/http/json.ts';

export interface JsonSchema {
  description?: string;
  type?: string;
  format?: string;
  nullable?: boolean;
  default?: Json;
  enum?: Json[];
  properties?: Record<string, JsonSchema>;
  additionalProperties?: JsonSchema | boolean;
  items?: JsonSchema;
  required?: string[];
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: boolean;
  exclusiveMaximum?: boolean;
  multipleOf?: number;
  minItems?: number;
  maxItems?: number;
  uniqueItems?: boolean;
  minProperties?: number;
  maxProperties?: number;
  allOf?: JsonSchema[];
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  not?: JsonSchema;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-embedded-resource'?: boolean;
  'x-kubernetes-int-or-string'?: boolean;
  'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-map-type'?: 'atomic' | 'granular';
  'x-kubernetes-validations'?: ValidationRule[];
}

/** A rule in CEL. */
export interface ValidationRule {
  rule: string;
  message?: string;
  messageExpression?: string;
  reason?: string;
  fieldPath?: string;
  optionalOldSelf?: boolean;
}

/** What a map's values are, when that is said. */
export const valuesOf = ({ additionalProperties }: JsonSchema): JsonSchema | undefined =>
  typeof additionalProperties === 'object' ? additionalProperties : undefined;

export const keepsUnknown = (schema: JsonSchema): boolean =>
  schema['x-kubernetes-preserve-unknown-fields'] === true || schema.additionalProperties === true;

/** The schema of a field: its own, or that of the map's values. */
export function fieldSchema(schema: JsonSchema, name: string): JsonSchema | undefined {
  const { properties } = schema;
  return properties && Object.hasOwn(properties, name) ? properties[name] : valuesOf(schema);
}

const patterns = new Map<string, RegExp>();

/** POSIX's names of characters, inside of brackets. */
const posix: Readonly<Record<string, string>> = {
  ...{ alnum: 'A-Za-z0-9', alpha: 'A-Za-z', ascii: '\\x00-\\x7f', blank: '\\t ', cntrl: '\\x00-\\x1f\\x7f', digit: '0-9', graph: '!-~', lower: 'a-z' },
  ...{ print: ' -~', punct: '!-\\/:-@\\[-`{-~', space: '\\s', upper: 'A-Z', word: '\\w', xdigit: '0-9A-Fa-f' },
};

/** RE2's way of writing what JavaScript writes in another. @throws Error where it has no like */
function translated(text: string): string {
  return text
    .replaceAll('\\A', '^')
    .replaceAll('\\z', '$')
    .replaceAll('(?P<', '(?<')
    .replace(/\\([pP])([A-Z])/g, '\\$1{$2}')
    .replace(/\[:(\^?)(\w+):\]/g, (_, not: string, name: string) => {
      const known = Object.hasOwn(posix, name) && not === '' ? posix[name] : undefined;
      if (known === undefined) throw new SyntaxError(`Invalid regular expression: [:${not}${name}:] is not supported`);
      return known;
    })
    .replace(/^(\^?)\(\?([ims]+)\)(.*)$/s, '$1(?$2:$3)');
}

/**
 * A pattern as Go's regular expressions read it, which match anywhere in a text.
 * @throws SyntaxError
 */
export function patternOf(text: string): RegExp {
  let pattern = patterns.get(text);
  if (!pattern) {
    const flags = /^\(\?([ims]+)\)/.exec(text);
    const rest = translated(flags ? text.slice(flags[0].length) : text);
    pattern = new RegExp(rest, `${flags?.[1] ?? ''}${rest.includes('\\p{') || rest.includes('\\P{') ? 'u' : ''}`);
    patterns.set(text, pattern);
  }
  return pattern;
}

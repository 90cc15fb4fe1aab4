/**
 * The schema language of the engine's kinds: the part of OpenAPI v3 that Kubernetes calls structural, plus two
 * marks of our own. One schema serves validation, pruning, `/openapi/*` and strategic merge.
 */

export type Schema = ObjectSchema | MapSchema | ArraySchema | ScalarSchema | AnySchema;

interface Described {
  description?: string;
  /**
   * KubeVirt, CDI or Kubernetes know this field and the engine cannot honour it: a request that sets it is refused
   * by its path (422). The text says why, or what to use instead.
   */
  unsupported?: string;
}

export interface ObjectSchema extends Described {
  type: 'object';
  properties: Record<string, Schema>;
  required?: readonly string[];
}

/** An object with free keys. */
export interface MapSchema extends Described {
  type: 'map';
  values: Schema;
}

export interface ArraySchema extends Described {
  type: 'array';
  items: Schema;
  /** Key of a list that is merged by name in strategic merge patches; absent: the list is replaced whole. */
  mergeKey?: string;
  /** A list of scalars, each at most once: strategic merge patches add to it. */
  set?: true;
}

export interface ScalarSchema extends Described {
  type: 'string' | 'integer' | 'number' | 'boolean' | 'quantity' | 'intOrString' | 'time';
  enum?: readonly string[];
  /** A regular expression that the whole text must match. */
  pattern?: string;
  minimum?: number;
  maximum?: number;
}

/** Anything at all, kept as it is. */
export interface AnySchema extends Described {
  type: 'any';
}

type Options<S> = Omit<Partial<S>, 'type' | 'properties' | 'items' | 'values'>;

export const object = (properties: Record<string, Schema>, options: Options<ObjectSchema> = {}): ObjectSchema => ({
  type: 'object',
  properties,
  ...options,
});
export const map = (values: Schema, options: Options<MapSchema> = {}): MapSchema => ({ type: 'map', values, ...options });
export const array = (items: Schema, options: Options<ArraySchema> = {}): ArraySchema => ({
  type: 'array',
  items,
  ...options,
});
export const string = (options: Options<ScalarSchema> = {}): ScalarSchema => ({ type: 'string', ...options });
export const integer = (options: Options<ScalarSchema> = {}): ScalarSchema => ({ type: 'integer', ...options });
export const number = (options: Options<ScalarSchema> = {}): ScalarSchema => ({ type: 'number', ...options });
export const boolean = (options: Options<ScalarSchema> = {}): ScalarSchema => ({ type: 'boolean', ...options });
export const quantity = (options: Options<ScalarSchema> = {}): ScalarSchema => ({ type: 'quantity', ...options });
export const intOrString = (options: Options<ScalarSchema> = {}): ScalarSchema => ({ type: 'intOrString', ...options });
export const time = (options: Options<ScalarSchema> = {}): ScalarSchema => ({ type: 'time', ...options });
export const any = (options: Options<AnySchema> = {}): AnySchema => ({ type: 'any', ...options });
/** A field that is known elsewhere and refused here, with the reason. */
export const unsupported = (reason: string): AnySchema => ({ type: 'any', unsupported: reason });

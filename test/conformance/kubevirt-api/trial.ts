/** Trying one field on a running engine: is it honoured, or refused by its path? */
import { isDeepStrictEqual } from 'node:util';
import { apiVersionOf, type AnyDefinition } from '../../../electron/engine/api/definition.ts';
import type { Schema } from '../../../electron/engine/api/schema.ts';
import type { KubeObject, Status } from '#shared/kube/object.ts';
import type { EngineClient } from '../../rig/engine-client.ts';
import { sampleOf, type Field } from './schema-fields.ts';

type Json = Record<string, unknown>;

/** An object of the kind with all that must be there and the field set. Lists get one item that holds it. */
export function objectWith(definition: AnyDefinition, field: Field, base: Json = {}): KubeObject {
  const object: Json = structuredClone({ ...base, apiVersion: apiVersionOf(definition), kind: definition.kind, metadata: { name: 'trial' } });
  fill(object, definition.schema, field.steps, field.sample);
  return object as unknown as KubeObject;
}

/** Sets the value at the steps, and on the way all that the schema says is required. */
function fill(target: Json | unknown[], schema: Schema, steps: readonly (string | 0)[], value: unknown): void {
  const [step, ...rest] = steps;
  if (schema.type === 'array') {
    const list = target as unknown[];
    if (rest.length === 0) list[0] = value;
    else fill((list[0] ??= {}) as Json, schema.items, rest, value);
    return;
  }
  if (schema.type !== 'object' || typeof step !== 'string') throw new Error(`There is nothing at ${steps.join('.')}.`);
  const object = target as Json;
  for (const name of schema.required ?? []) {
    object[name] ??= sampleOf(schema.properties[name] ?? { type: 'any' });
  }
  const child = schema.properties[step] ?? { type: 'any' };
  if (rest.length === 0) object[step] = value;
  else if (child.type === 'array') fillList(object, step, child.items, rest.slice(1), value);
  else fill((object[step] ??= {}) as Json, child, rest, value);
}

function fillList(object: Json, step: string, items: Schema, rest: readonly (string | 0)[], value: unknown): void {
  const list = (Array.isArray(object[step]) ? object[step] : []) as unknown[];
  object[step] = list;
  if (rest.length === 0) list[0] = value;
  else fill((list[0] ??= {}) as Json, items, rest, value);
}

export interface Verdict {
  state: 'works' | 'refused' | 'ignored';
  /** The engine's own words, where it refuses. */
  reason: string;
}

/**
 * Asks the engine to create an object with the field, without keeping it.
 * @returns `refused` only when the field's own path is named; `works` when it is kept, or judged together with others
 */
export async function tryField(engine: EngineClient, definition: AnyDefinition, field: Field, base?: Json): Promise<Verdict> {
  const object = objectWith(definition, field, base);
  const place = definition.namespaced ? '/namespaces/default' : '';
  const answer = await engine.api('POST', `/apis/${apiVersionOf(definition)}${place}/${definition.plural}?dryRun=All&fieldValidation=Strict`, object);
  if (answer.status === 422) {
    const path = field.steps.reduce<string>((text, step) => (step === 0 ? `${text}[0]` : text === '' ? step : `${text}.${step}`), '');
    const own = answer.json<Status>().details?.causes?.find((cause) => cause.field === path && cause.reason === 'FieldValueForbidden');
    return own ? { state: 'refused', reason: own.message ?? '' } : { state: 'works', reason: '' };
  }
  if (answer.status !== 201) throw new Error(`${field.steps.join('.')}: ${answer.status} ${answer.text}`);
  const kept = field.steps.reduce<unknown>((value, step) => (value as Json | undefined)?.[step], answer.json());
  // What is filled in beside the sample is no loss.
  const whole = isDeepStrictEqual(kept, field.sample) || (kept !== undefined && typeof field.sample === 'object');
  return { state: whole ? 'works' : 'ignored', reason: '' };
}

/** JSON as CEL sees it by a schema: whole numbers, times and durations, and names that can be written after a dot. */
import { Environment } from '@marcbachmann/cel-js';
import { isJsonObject, type Json } from '../../api/http/json.ts';
import { valuesOf, type JsonSchema } from '../schema/json-schema.ts';

/** Stops rules that go on for too long. */
export class Budget {
  readonly #end: number;
  #steps = 0;
  #isOver = false;

  /** @param ms for one object */
  constructor(ms: number) {
    this.#end = performance.now() + ms;
  }

  get isSpent(): boolean {
    return performance.now() > this.#end;
  }

  /** @throws Error once the time is over */
  step(): void {
    this.#steps += 1;
    if (this.#steps % 512 === 0 && this.isSpent) this.#isOver = true;
    // Again and again: "all" and "exists" go on after an error in what they ask of an item.
    if (this.#isOver) throw new Error(overBudget);
  }
}

export const overBudget = 'validation failed due to running out of cost budget, no further validation rules will be run';

/** Words of CEL that cannot stand after a dot. */
const reserved = new Set(['true', 'false', 'null', 'in', 'as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import', 'let', 'loop', 'package', 'namespace', 'return', 'var', 'void', 'while']);

/** A field's name as rules write it; undefined where it cannot be written. */
export function escapedName(name: string): string | undefined {
  if (reserved.has(name)) return `__${name}__`;
  const escaped = name.replaceAll('__', '__underscores__').replaceAll('.', '__dot__').replaceAll('-', '__dash__').replaceAll('/', '__slash__');
  return /^[A-Za-z_]\w*$/.test(escaped) ? escaped : undefined;
}

const metadataSchema: JsonSchema = { type: 'object', properties: { name: { type: 'string' }, generateName: { type: 'string' } } };
const frame: Record<string, JsonSchema> = { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: metadataSchema };

/** The fields that rules see: of a whole object its name and kind, too. */
export const fieldsOf = (schema: JsonSchema, isWhole: boolean): Record<string, JsonSchema> =>
  isWhole || schema['x-kubernetes-embedded-resource'] === true ? { ...schema.properties, ...frame } : (schema.properties ?? {});

export function celValue(value: Json, schema: JsonSchema, budget: Budget, isWhole = false): unknown {
  if (typeof value === 'string') return celText(value, schema);
  if (typeof value === 'number') return schema.type === 'number' ? value : Number.isInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return watched(value.map((item) => celValue(item, schema.items ?? {}, budget)), budget);
  if (!isJsonObject(value)) return value;
  const values = valuesOf(schema);
  if (values) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, celValue(item, values, budget)]));
  const fields = fieldsOf(schema, isWhole);
  // What the schema does not know, rules do not see.
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => {
      const of = Object.hasOwn(fields, key) ? fields[key] : undefined;
      const name = escapedName(key);
      return of === undefined || name === undefined ? [] : [[name, celValue(item, of, budget)]];
    }),
  );
}

const readDuration = new Environment().registerVariable('text', 'string').parse('duration(text)');

function celText(value: string, { format }: JsonSchema): unknown {
  if (format === 'date-time' || format === 'date') return new Date(value);
  if (format === 'duration') return readDuration({ text: value });
  if (format === 'byte') return Buffer.from(value, 'base64');
  return value;
}

/** Each look at an item counts: that is how loops over loops are noticed. */
function watched(list: unknown[], budget: Budget): unknown[] {
  return new Proxy(list, {
    get: (target, key, receiver) => {
      budget.step();
      return Reflect.get(target, key, receiver) as unknown;
    },
  });
}

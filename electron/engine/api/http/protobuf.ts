/**
 * Reads protocol buffers as Go's clients send them for Kubernetes' own kinds (`kubectl create configmap` does).
 * Wire format: protobuf.dev/programming-guides/encoding; envelope: Kubernetes API concepts, "protobuf encoding".
 */
import { badRequest } from '../errors.ts';
import type { Json, JsonObject } from './json.ts';

/**
 * What a field holds. `time` is meta/v1's Time and MicroTime: seconds and nanoseconds. `positive` is a number that Go
 * leaves out of JSON when it is 0. `intOrString` is util/intstr's.
 */
export type FieldType = 'string' | 'bytes' | 'integer' | 'positive' | 'intOrString' | 'boolean' | 'time' | 'ignored' | Message | MapOf | ListOf;
interface MapOf {
  map: 'string' | 'bytes';
}
interface ListOf {
  list: 'string' | Message;
}
/** Fields by number, each with the name that it has in JSON. */
export interface Message {
  fields: Record<number, readonly [name: string, type: FieldType]>;
}

const wire = { varint: 0, fixed64: 1, delimited: 2, fixed32: 5 };

interface Field {
  number: number;
  /** Of a delimited field. */
  bytes: Buffer;
  /** Of a number. */
  value: number;
}

function* fieldsOf(bytes: Buffer): Generator<Field> {
  let at = 0;
  const varint = (): number => {
    let result = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at];
      if (byte === undefined) throw malformed();
      at += 1;
      result |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(BigInt.asIntN(64, result));
    }
    throw malformed();
  };
  const slice = (length: number): Buffer => {
    if (length < 0 || at + length > bytes.length) throw malformed();
    at += length;
    return bytes.subarray(at - length, at);
  };
  const empty = Buffer.alloc(0);
  while (at < bytes.length) {
    const tag = varint();
    const number = tag >>> 3;
    switch (tag & 7) {
      case wire.varint:
        yield { number, bytes: empty, value: varint() };
        break;
      case wire.delimited:
        yield { number, bytes: slice(varint()), value: 0 };
        break;
      case wire.fixed64:
        yield { number, bytes: slice(8), value: 0 };
        break;
      case wire.fixed32:
        yield { number, bytes: slice(4), value: 0 };
        break;
      default:
        throw malformed();
    }
  }
}

/**
 * @returns the object as its JSON would have it: what Go leaves out of JSON when it is empty is left out
 * @throws ApiError 400 for malformed bytes, and for fields that are not described
 */
export function readMessage(message: Message, bytes: Buffer): JsonObject {
  const result: JsonObject = {};
  for (const field of fieldsOf(bytes)) {
    const described = message.fields[field.number];
    if (!described) {
      if (field.bytes.length === 0 && field.value === 0) continue;
      throw badRequest(`the request's body has a field (number ${field.number}) that is not known here; send JSON to be told its name`);
    }
    const [name, type] = described;
    if (type === 'ignored') continue;
    if (typeof type === 'object' && 'map' in type) {
      const entries = (result[name] ??= {}) as JsonObject;
      const { key, value } = readMessage(entryOf(type.map), field.bytes);
      entries[textOf(key)] = value ?? '';
    } else if (typeof type === 'object' && 'list' in type) {
      ((result[name] ??= []) as Json[]).push(valueOf(type.list, field) ?? (type.list === 'string' ? '' : {}));
    } else {
      const value = valueOf(type, field);
      if (value !== undefined) result[name] = value;
    }
  }
  return result;
}

const entryOf = (value: 'string' | 'bytes'): Message => ({ fields: { 1: ['key', 'string'], 2: ['value', value] } });

function textOf(key: Json | undefined): string {
  if (key === '__proto__') throw badRequest('the request\'s body has a field named "__proto__", which is not allowed');
  return typeof key === 'string' ? key : '';
}

function valueOf(type: Exclude<FieldType, 'ignored' | MapOf | ListOf>, { bytes, value }: Field): Json | undefined {
  switch (type) {
    case 'string':
      return bytes.length === 0 ? undefined : bytes.toString();
    case 'bytes':
      return bytes.toString('base64');
    case 'integer':
      return value;
    case 'positive':
      return value === 0 ? undefined : value;
    case 'intOrString': {
      const { type: isText, number, text } = readMessage(intOrString, bytes);
      return isText === 1 ? text : number;
    }
    case 'boolean':
      return value !== 0;
    case 'time':
      return timeOf(bytes);
    default: {
      const inner = readMessage(type, bytes);
      return Object.keys(inner).length === 0 ? undefined : inner;
    }
  }
}

const intOrString: Message = { fields: { 1: ['type', 'integer'], 2: ['number', 'integer'], 3: ['text', 'string'] } };

function timeOf(bytes: Buffer): string | undefined {
  const { seconds, nanos } = readMessage({ fields: { 1: ['seconds', 'integer'], 2: ['nanos', 'integer'] } }, bytes);
  if (typeof seconds !== 'number') return undefined;
  const micros = typeof nanos === 'number' && nanos > 0 ? `.${String(Math.floor(nanos / 1000)).padStart(6, '0')}` : '';
  return new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, `${micros}Z`);
}

const malformed = (): Error => badRequest("the request's body is no well-formed protocol buffer");

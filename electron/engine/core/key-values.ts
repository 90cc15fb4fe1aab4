/** The rules that ConfigMaps and Secrets share: keys that can be file names, a bound on the size, immutability. */
import { isDeepStrictEqual } from 'node:util';
import type { StatusCause } from '#shared/kube/object.ts';

const maxBytes = 2 ** 20;
const keyPattern = /^[-._a-zA-Z0-9]{1,253}$/;

export function checkKeys(field: string, values: Record<string, string> | undefined): StatusCause[] {
  return Object.keys(values ?? {})
    .filter((key) => !keyPattern.test(key) || key === '.' || key.startsWith('..'))
    .map((key) => ({
      reason: 'FieldValueInvalid',
      field: `${field}[${key}]`,
      message: `Invalid value: ${JSON.stringify(key)}: a key holds letters, digits, '-', '_' and '.', and does not begin with '..'`,
    }));
}

export function checkBase64(field: string, values: Record<string, string> | undefined): StatusCause[] {
  return Object.entries(values ?? {})
    .filter(([, text]) => Buffer.from(text, 'base64').toString('base64') !== text.replaceAll(/[\r\n]/g, ''))
    .map(([key]) => ({ reason: 'FieldValueInvalid', field: `${field}[${key}]`, message: 'Invalid value: not base64' }));
}

/** @param values texts, already decoded sizes do not matter at this bound */
export function checkSize(field: string, ...values: (Record<string, string> | undefined)[]): StatusCause[] {
  const texts = values.flatMap((value) => Object.values(value ?? {}));
  const size = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (size <= maxBytes) return [];
  return [{ reason: 'FieldValueTooLong', field, message: `Too long: may not be more than ${maxBytes} bytes` }];
}

/** Nothing of an immutable object's content may change, nor may it become mutable again. */
export function checkImmutable<T extends { immutable?: boolean }>(old: T | undefined, next: T, fields: readonly (keyof T & string)[]): StatusCause[] {
  if (old?.immutable !== true) return [];
  return (['immutable', ...fields] as const)
    .filter((field) => !isDeepStrictEqual(old[field], next[field]))
    .map((field) => ({
      reason: 'FieldValueForbidden',
      field,
      message: 'Forbidden: field is immutable when `immutable` is set. Delete the object and create it anew.',
    }));
}

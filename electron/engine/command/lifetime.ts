/** Lifetimes as people write them: `12h`, `30d`, `1y`. */
import { HayloftError } from '#shared/contract/hayloft-error.ts';

const seconds: Record<string, number> = { m: 60, h: 3600, d: 86_400, w: 7 * 86_400, y: 365 * 86_400 };

/**
 * @returns milliseconds
 * @throws HayloftError `bad-input`
 */
export function parseLifetime(text: string, field: string): number {
  const [, count, unit = ''] = /^(\d{1,6})([mhdwy])$/.exec(text) ?? [];
  if (count === undefined || Number(count) === 0) {
    throw new HayloftError('bad-input', `"${text}" is no lifetime.`, { hint: 'Write a number and m, h, d, w or y: 12h, 30d, 1y.', field });
  }
  return Number(count) * (seconds[unit] ?? 0) * 1000;
}

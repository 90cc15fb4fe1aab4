/** CEL's `format`: the verbs of its strings extension. */
const isWhole = (value: unknown): value is bigint => typeof value === 'bigint';

/** @throws Error where a verb is not known, or does not fit its value */
export function formatText(text: string, values: readonly unknown[]): string {
  let next = 0;
  return text.replaceAll(/%(?:%|(?:\.(\d+))?([a-zA-Z]))/g, (whole, precision: string | undefined, verb: string | undefined) => {
    if (verb === undefined) return '%';
    if (next >= values.length) throw new Error(`index ${next} out of range`);
    const value = values[next++];
    return one(verb, value, precision === undefined ? 6 : Number(precision), whole);
  });
}

function one(verb: string, value: unknown, precision: number, whole: string): string {
  switch (verb) {
    case 's':
      return shown(value);
    case 'd':
      if (isWhole(value)) return String(value);
      break;
    case 'f':
      if (isWhole(value) || typeof value === 'number') return Number(value).toFixed(precision);
      break;
    case 'e':
      if (isWhole(value) || typeof value === 'number') return Number(value).toExponential(precision);
      break;
    case 'b':
      if (isWhole(value)) return value.toString(2);
      break;
    case 'o':
      if (isWhole(value)) return value.toString(8);
      break;
    case 'x':
    case 'X': {
      const hex = isWhole(value) ? value.toString(16) : typeof value === 'string' ? Buffer.from(value).toString('hex') : undefined;
      if (hex !== undefined) return verb === 'X' ? hex.toUpperCase() : hex;
      break;
    }
  }
  throw new Error(`could not format ${shown(value)} by ${whole}`);
}

function shown(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === null) return 'null';
  if (Array.isArray(value)) return `[${value.map(shown).join(', ')}]`;
  if (typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
    return `{${Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => `${key}: ${shown(item)}`)
      .join(', ')}}`;
  }
  // A whole number, a number, a condition, or something that says what it is by itself.
  return `${value as string | number | bigint | boolean}`;
}

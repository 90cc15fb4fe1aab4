/** What may be a label's key and value. Rules: Kubernetes' documentation, "Labels and selectors", syntax and character set. */

const namePart = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const prefixPart = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;
const longestPrefix = 253;

/** What is wrong with a key, in a sentence, or undefined. */
export function labelKeyProblem(key: string): string | undefined {
  const parts = key.split('/');
  const [prefix, name = ''] = parts.length === 1 ? [undefined, key] : parts;
  if (key === '') return 'A label needs a key.';
  if (parts.length > 2) return 'A key has at most one slash.';
  if (prefix !== undefined && (prefix.length > longestPrefix || !prefixPart.test(prefix))) {
    return 'What stands before the slash must be a domain in lower case, such as example.com.';
  }
  return namePart.test(name) ? undefined : 'A key has up to 63 letters, digits, dots, dashes and underscores, and begins and ends with a letter or digit.';
}

/** What is wrong with a value, in a sentence, or undefined. */
export function labelValueProblem(value: string): string | undefined {
  return value === '' || namePart.test(value)
    ? undefined
    : 'A value has up to 63 letters, digits, dots, dashes and underscores, and begins and ends with a letter or digit.';
}

/** Labels and annotations as lines of a form. */

export interface Pair {
  key: string;
  value: string;
}

/** Kubernetes' names of labels and annotations: a part of 63 characters, with a domain before it or not. */
const name = /^(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const labelValue = /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

export const pairsOf = (texts: Record<string, string>): Pair[] =>
  Object.entries(texts)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([key, value]) => ({ key, value }));

/** Lines without a name are left out. */
export const textsOf = (pairs: readonly Pair[]): Record<string, string> =>
  Object.fromEntries(pairs.filter(({ key }) => key.trim() !== '').map(({ key, value }) => [key.trim(), value]));

/** @returns what is wrong with the first line that is, or undefined */
export function pairProblem(pairs: readonly Pair[], what: 'label' | 'annotation'): string | undefined {
  const seen = new Set<string>();
  for (const { key, value } of pairs) {
    const trimmed = key.trim();
    if (trimmed === '') {
      if (value !== '') return `The ${what} with the value “${value}” has no name.`;
      continue;
    }
    if (!name.test(trimmed)) return `“${trimmed}” is no name for a ${what}: letters, digits, “-”, “_” and “.”, after a domain and “/” if wanted.`;
    if (seen.has(trimmed)) return `There are two ${what}s called “${trimmed}”.`;
    seen.add(trimmed);
    if (what === 'label' && !labelValue.test(value)) return `“${value}” is no value for a label: up to 63 letters, digits, “-”, “_” and “.”.`;
  }
  return undefined;
}

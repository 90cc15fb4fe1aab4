/** What a list or watch asks for, compiled. */
import type { Matcher } from '../../store/api-store.ts';
import { parseFieldSelector } from './fields.ts';
import { parseLabelSelector } from './labels.ts';

/**
 * @param name only the object of this name (a watch of a single object)
 * @returns undefined when everything belongs
 * @throws ApiError 400 for selectors that cannot be read
 */
export function matcherOf(query: URLSearchParams, name?: string): Matcher | undefined {
  const tests: Matcher[] = [];
  const labels = query.get('labelSelector');
  const fields = query.get('fieldSelector');
  if (labels) {
    const matches = parseLabelSelector(labels);
    tests.push(({ metadata }) => matches(metadata.labels));
  }
  if (fields) tests.push(parseFieldSelector(fields));
  if (name !== undefined) tests.push(({ metadata }) => metadata.name === name);
  return tests.length === 0 ? undefined : (object) => tests.every((test) => test(object));
}

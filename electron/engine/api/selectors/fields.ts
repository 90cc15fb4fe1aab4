/** Field selectors: equality of any scalar field with a text: `metadata.name=web,status.phase!=Running`. */
import type { KubeObject } from '#shared/kube/object.ts';
import { badRequest } from '../errors.ts';

/** Splits at unescaped commas; `\,`, `\=` and `\\` stand for themselves. */
const clauses = /(?:\\.|[^\\,])+/g;
const clause = /^\s*([\w.-]+)\s*(==|=|!=)((?:\\[\\,=]|[^\\,=])*)$/;

/** @throws ApiError 400 */
export function parseFieldSelector(selector: string): (object: KubeObject) => boolean {
  const tests = (selector.match(clauses) ?? []).filter((text) => text.trim() !== '').map(parseClause);
  return (object) => tests.every((test) => test(object));
}

function parseClause(text: string): (object: KubeObject) => boolean {
  const match = clause.exec(text);
  if (!match) {
    throw badRequest(`invalid field selector: "${text}" is no comparison of a field with a value (example: metadata.name=web)`);
  }
  const path = (match[1] ?? '').split('.');
  const wanted = (match[3] ?? '').replaceAll(/\\(.)/g, '$1').trim();
  const equal = match[2] !== '!=';
  return (object) => (textAt(object, path) === wanted) === equal;
}

/** An absent field is an empty text, as in Kubernetes. */
function textAt(object: unknown, path: readonly string[]): string {
  let value = object;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return '';
    value = (value as Record<string, unknown>)[step];
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

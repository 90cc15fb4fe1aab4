/** The JSON paths that printer columns and `/scale` are written in: `.status.conditions[?(@.type=="Ready")].status`. */
import { isJsonObject, type Json } from '../api/http/json.ts';

type Step = (value: Json) => Json[];

const tokens = /\.\.|\.?([\w$/-](?:[\w$/-]|\\.)*)|\.?\*|\[\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(-?\d+)|(\*)|\?\(\s*@([^=!<>\s]*)\s*(?:(==|!=|<=|>=|<|>)\s*('[^']*'|"[^"]*"|[^)\s]+)\s*)?\))\s*\]|\./y;

/**
 * @returns finds what the path names in an object, which may be nothing or several
 * @throws SyntaxError
 */
export function jsonPath(text: string): (object: unknown) => Json[] {
  const steps: Step[] = [];
  for (let at = 0; at < text.length; ) {
    // Said each time: a filter's own path is read with the same expression.
    tokens.lastIndex = at;
    const match = tokens.exec(text);
    if (!match) throw new SyntaxError(`cannot be read from ${JSON.stringify(text.slice(at))} on`);
    at += match[0].length;
    const step = stepOf(match);
    if (step) steps.push(step);
  }
  return (object) => steps.reduce((values, step) => values.flatMap(step), [object as Json]);
}

function stepOf(match: RegExpExecArray): Step | undefined {
  const [whole, name, single, double, index, star, left, operator, right] = match;
  if (whole === '..') throw new SyntaxError('".." is not supported');
  if (whole === '.') return undefined;
  if (index !== undefined) return (value) => (Array.isArray(value) ? value.slice(Number(index)).slice(0, 1) : []);
  if (star !== undefined || whole.endsWith('*')) return childrenOf;
  if (left !== undefined) {
    const find = jsonPath(left);
    const wanted = right === undefined ? undefined : literal(right);
    return (value) => childrenOf(value).filter((item) => holds(find(item), operator, wanted));
  }
  const key = (name ?? single ?? double ?? '').replaceAll(/\\(.)/g, '$1');
  return (value) => (isJsonObject(value) && Object.hasOwn(value, key) ? [value[key] ?? null] : []);
}

const childrenOf: Step = (value) => (Array.isArray(value) ? value : isJsonObject(value) ? Object.values(value) : []);

function literal(text: string): Json {
  if (/^['"]/.test(text)) return text.slice(1, -1);
  if (text === 'true' || text === 'false') return text === 'true';
  const number = Number(text);
  if (Number.isNaN(number)) throw new SyntaxError(`${text} is neither a text in quotes nor a number`);
  return number;
}

function holds(found: readonly Json[], operator: string | undefined, wanted: Json | undefined): boolean {
  const [value] = found;
  if (operator === undefined || wanted === undefined) return found.length > 0;
  if (value === undefined) return false;
  switch (operator) {
    case '==':
      return value === wanted;
    case '!=':
      return value !== wanted;
    default: {
      if (typeof value !== typeof wanted || value === null || wanted === null) return false;
      const order = value < wanted ? -1 : Number(value > wanted);
      return operator === '<' ? order < 0 : operator === '>' ? order > 0 : operator === '<=' ? order <= 0 : order >= 0;
    }
  }
}

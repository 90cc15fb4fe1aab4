/** Label selectors: `app=web,tier!=db,env in (a, b),!old`. Grammar: kubernetes.io, Labels and Selectors. */
import { badRequest } from '../errors.ts';

type Labels = Record<string, string> | undefined;
type Requirement = (labels: Labels) => boolean;

const key = String.raw`[A-Za-z0-9](?:[\w./-]*[A-Za-z0-9])?`;
const value = String.raw`(?:[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)?`;
const inSet = new RegExp(String.raw`^(${key})\s+(in|notin)\s*\(([^()]*)\)$`);
const compared = new RegExp(String.raw`^(${key})\s*(==|=|!=|>|<)\s*(${value})$`);
const existing = new RegExp(`^(!?)\\s*(${key})$`);
const wholeValue = new RegExp(`^${value}$`);
/** Commas part requirements, except inside parentheses. */
const separator = /,(?![^(]*\))/;

/** @throws ApiError 400 */
export function parseLabelSelector(selector: string): (labels: Labels) => boolean {
  if (selector.trim() === '') return () => true;
  const requirements = selector.split(separator).map((text) => parseRequirement(text.trim()));
  return (labels) => requirements.every((requirement) => requirement(labels));
}

function parseRequirement(text: string): Requirement {
  const existence = existing.exec(text);
  if (existence) return existenceOf(existence[2] ?? '', existence[1] === '');
  const set = inSet.exec(text);
  if (set) return setOf(text, set[1] ?? '', set[2] === 'in', (set[3] ?? '').split(',').map((item) => item.trim()));
  const comparison = compared.exec(text);
  if (comparison) return comparisonOf(text, comparison[1] ?? '', comparison[2] ?? '', comparison[3] ?? '');
  throw unreadable(text);
}

const existenceOf = (name: string, wanted: boolean): Requirement => (labels) => (labels?.[name] !== undefined) === wanted;

function setOf(text: string, name: string, wanted: boolean, values: string[]): Requirement {
  if (!values.every((item) => wholeValue.test(item))) throw unreadable(text);
  const set = new Set(values);
  return (labels) => {
    const found = labels?.[name];
    return (found !== undefined && set.has(found)) === wanted;
  };
}

function comparisonOf(text: string, name: string, operator: string, wanted: string): Requirement {
  switch (operator) {
    case '!=':
      return (labels) => labels?.[name] !== wanted;
    case '>':
    case '<': {
      if (!/^-?\d+$/.test(wanted)) throw unreadable(text);
      const sign = operator === '>' ? 1 : -1;
      return (labels) => {
        const found = labels?.[name];
        return found !== undefined && /^-?\d+$/.test(found) && sign * (Number(found) - Number(wanted)) > 0;
      };
    }
    default:
      return (labels) => labels?.[name] === wanted;
  }
}

const unreadable = (text: string): Error =>
  badRequest(`unable to parse requirement: "${text}" is no label requirement (examples: app=web, app!=web, app in (web,api), app, !app)`);

/**
 * Runs the rules of a schema on an object. Words, paths and order: Kubernetes' apiextensions-apiserver, pkg/apiserver/schema/cel.
 * What was wrong before and is as it was is tolerated, as there.
 */
import { Optional, type ParseResult } from '@marcbachmann/cel-js';
import { isDeepStrictEqual } from 'node:util';
import type { StatusCause } from '#shared/kube/object.ts';
import { isJsonObject, type Json } from '../../api/http/json.ts';
import { childPath } from '../../api/http/json-keys.ts';
import type { CompiledRule, RuleNode } from './compile.ts';
import { Budget, celValue, overBudget } from './values.ts';

/** For all rules of one object: the engine does nothing else meanwhile. */
const budgetMs = 500;

/** @param old the object before; undefined when it is new */
export function runRules(root: RuleNode, object: Json, old: Json | undefined): StatusCause[] {
  const budget = new Budget(budgetMs);
  const causes = checkNode(root, object, old, '', budget);
  if (budget.isSpent && !causes.some(({ message }) => message?.includes(overBudget))) causes.push(spent(''));
  return causes;
}

const spent = (path: string): StatusCause => ({ reason: 'FieldValueForbidden', field: path, message: `Forbidden: ${overBudget}` });

function checkNode(node: RuleNode, value: Json, old: Json | undefined, path: string, budget: Budget): StatusCause[] {
  if (value === null || budget.isSpent) return [];
  const causes = node.rules.length > 0 ? checkRules(node, value, old, path, budget) : [];
  if (Array.isArray(value) && node.items) {
    const { items, schema } = node;
    const before = Array.isArray(old) ? keyed(old, schema['x-kubernetes-list-map-keys']) : undefined;
    value.forEach((item, at) => causes.push(...checkNode(items, item, before?.(item), childPath(path, at), budget)));
  } else if (isJsonObject(value)) {
    const was = isJsonObject(old) ? old : {};
    for (const [name, item] of Object.entries(value)) {
      const of = node.fields.get(name) ?? node.values;
      if (of) causes.push(...checkNode(of, item, Object.hasOwn(was, name) ? was[name] : undefined, node.values ? `${path}[${name}]` : childPath(path, name), budget));
    }
  }
  return causes;
}

/** Finds the item that was before by its keys. */
function keyed(old: readonly Json[], keys: readonly string[] | undefined): ((item: Json) => Json | undefined) | undefined {
  if (!keys) return undefined;
  const keyOf = (item: Json): string => JSON.stringify(keys.map((key) => (isJsonObject(item) ? item[key] : null)));
  const found = new Map(old.map((item) => [keyOf(item), item]));
  return (item) => found.get(keyOf(item));
}

function checkRules({ rules, schema }: RuleNode, value: Json, old: Json | undefined, path: string, budget: Budget): StatusCause[] {
  const isWhole = path === '';
  const isSame = old !== undefined && isDeepStrictEqual(value, old);
  const due = rules.filter(({ isTransition, given }) => (isTransition ? old !== undefined || given.optionalOldSelf === true : !isSame));
  if (due.length === 0) return [];
  const self = celValue(value, schema, budget, isWhole);
  const was = old === undefined || old === null ? undefined : celValue(old, schema, budget, isWhole);
  return due.flatMap((rule) => {
    const before = rule.given.optionalOldSelf === true ? (was === undefined ? Optional.none() : Optional.of(was)) : was;
    const context = { self, ...(before === undefined ? {} : { oldSelf: before }) };
    return checkRule(rule, context, schema.type ?? 'object', path, budget);
  });
}

function checkRule(rule: CompiledRule, context: Record<string, unknown>, type: string, path: string, budget: Budget): StatusCause[] {
  const { given, holds } = rule;
  if (budget.isSpent) return [];
  try {
    if (holds(context) === true) return [];
  } catch (error) {
    const why = error instanceof Error ? ((error as { summary?: string }).summary ?? error.message) : String(error);
    if (why.includes(overBudget)) return [spent(path)];
    return [{ reason: 'FieldValueInvalid', field: path, message: `Invalid value: ${JSON.stringify(type)}: ${why} evaluating rule: ${given.message ?? given.rule}` }];
  }
  const message = said(rule.message, context) ?? given.message ?? `failed rule: ${given.rule}`;
  const reason = given.reason ?? 'FieldValueInvalid';
  const words: Record<string, string> = {
    FieldValueForbidden: `Forbidden: ${message}`,
    FieldValueRequired: `Required value: ${message}`,
    FieldValueDuplicate: `Duplicate value: ${JSON.stringify(type)}`,
  };
  return [{ reason, field: fieldAt(path, given.fieldPath), message: words[reason] ?? `Invalid value: ${JSON.stringify(type)}: ${message}` }];
}

const longestMessage = 2048;

/** A message that cannot be made, or is none, is left to the one that is written down. */
function said(expression: ParseResult | undefined, context: Record<string, unknown>): string | undefined {
  if (!expression) return undefined;
  try {
    const text: unknown = expression(context);
    return typeof text === 'string' && text.trim() !== '' && !text.includes('\n') && text.length <= longestMessage ? text : undefined;
  } catch {
    return undefined;
  }
}

const fieldAt = (path: string, below: string | undefined): string => (below === undefined ? path : path === '' ? below.replace(/^\./, '') : path + below);

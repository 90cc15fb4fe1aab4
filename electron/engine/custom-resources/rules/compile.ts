/** Reads the rules of a schema (`x-kubernetes-validations`), each at its place. */
import type { ASTNode, Environment, ParseResult } from '@marcbachmann/cel-js';
import type { StatusCause } from '#shared/kube/object.ts';
import { patternOf, valuesOf, type JsonSchema, type ValidationRule } from '../schema/json-schema.ts';
import { ruleEnvironment } from './functions.ts';

export interface CompiledRule {
  given: ValidationRule;
  holds: ParseResult;
  message?: ParseResult;
  /** It speaks of what was before. */
  isTransition: boolean;
}

/** A place in a schema with rules there or below; places without are left out. */
export interface RuleNode {
  schema: JsonSchema;
  rules: CompiledRule[];
  fields: Map<string, RuleNode>;
  items?: RuleNode;
  values?: RuleNode;
}

export interface Compiled {
  root: RuleNode | undefined;
  causes: StatusCause[];
}

const reasons = ['FieldValueInvalid', 'FieldValueForbidden', 'FieldValueRequired', 'FieldValueDuplicate'];
const invalid = (field: string, value: unknown, text: string): StatusCause => ({ reason: 'FieldValueInvalid', field, message: `Invalid value: ${JSON.stringify(value)}: ${text}` });

/** @param path of the schema in its CustomResourceDefinition */
export function compileRules(schema: JsonSchema, path: string): Compiled {
  const causes: StatusCause[] = [];
  return { root: compileNode({ envOf: environments(), causes }, schema, path, undefined), causes };
}

interface Work {
  /** @param isOptional whether what was before is optional */
  envOf: (isOptional: boolean) => Environment;
  causes: StatusCause[];
}

/** Each is made when a rule needs it. */
function environments(): Work['envOf'] {
  const made = new Map<boolean, Environment>();
  return (isOptional) => {
    const env = made.get(isOptional) ?? ruleEnvironment(isOptional);
    made.set(isOptional, env);
    return env;
  };
}

/** @param loose the list above whose items cannot be told from each other, so that none has one that was before */
function compileNode(work: Work, schema: JsonSchema, path: string, loose: string | undefined): RuleNode | undefined {
  const rules = (schema['x-kubernetes-validations'] ?? []).flatMap((rule, at) => compileRule(work, rule, `${path}.x-kubernetes-validations[${at}]`, loose) ?? []);
  const fields = new Map<string, RuleNode>();
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const node = compileNode(work, field, `${path}.properties[${name}]`, loose);
    if (node) fields.set(name, node);
  }
  const isKeyed = schema['x-kubernetes-list-type'] === 'map';
  const items = schema.items && compileNode(work, schema.items, `${path}.items`, isKeyed ? loose : (loose ?? path));
  const of = valuesOf(schema);
  const values = of && compileNode(work, of, `${path}.additionalProperties`, loose);
  if (rules.length === 0 && fields.size === 0 && !items && !values) return undefined;
  return { schema, rules, fields, ...(items ? { items } : {}), ...(values ? { values } : {}) };
}

function compileRule({ envOf, causes }: Work, given: ValidationRule, path: string, loose: string | undefined): CompiledRule | undefined {
  const env = envOf(given.optionalOldSelf === true);
  const before = causes.length;
  const holds = compile(env, given.rule, 'bool', `${path}.rule`, causes);
  const message = given.messageExpression === undefined ? undefined : compile(env, given.messageExpression, 'string', `${path}.messageExpression`, causes);
  if (given.reason !== undefined && !reasons.includes(given.reason)) {
    causes.push({ reason: 'FieldValueNotSupported', field: `${path}.reason`, message: `Unsupported value: ${JSON.stringify(given.reason)}: supported values: ${reasons.map((reason) => JSON.stringify(reason)).join(', ')}` });
  }
  if (given.fieldPath !== undefined && !/^(\.[\w-]+|\['[^']+'\])+$/.test(given.fieldPath)) causes.push(invalid(`${path}.fieldPath`, given.fieldPath, 'fieldPath must be a valid path'));
  const isTransition = holds !== undefined && mentions(holds.ast, 'oldSelf');
  if (isTransition && loose !== undefined) {
    causes.push(invalid(`${path}.rule`, given.rule, `oldSelf cannot be used on the uncorrelatable portion of the schema within ${loose}`));
  }
  if (given.optionalOldSelf !== undefined && holds && !isTransition) {
    causes.push(invalid(`${path}.optionalOldSelf`, given.optionalOldSelf, 'may not be set if oldSelf is not used in rule'));
  }
  return holds && causes.length === before ? { given, holds, ...(message ? { message } : {}), isTransition } : undefined;
}

function compile(env: Environment, text: string, type: string, path: string, causes: StatusCause[]): ParseResult | undefined {
  const refuse = (why: string): undefined => {
    causes.push(invalid(path, text, `compilation failed: ERROR: ${why}`));
  };
  if (text.trim() === '') {
    causes.push({ reason: 'FieldValueRequired', field: path, message: 'Required value: an expression must be specified' });
    return undefined;
  }
  try {
    const parsed = env.parse(text);
    readPatterns(parsed.ast);
    const { valid, type: found = 'dyn', error } = parsed.check();
    if (!valid) { refuse(error?.message ?? 'it cannot be read'); return; }
    if (found !== type && found !== 'dyn') { refuse(`cel expression must evaluate to a ${type}`); return; }
    return parsed;
  } catch (error) {
    refuse(error instanceof Error ? error.message : String(error)); return;
  }
}

/**
 * Has patterns read as Go reads them. Those that are written out in the rule are read at once.
 * @throws SyntaxError where one cannot be read
 */
function readPatterns(node: unknown): void {
  if (Array.isArray(node)) { node.forEach(readPatterns); return; }
  if (typeof node !== 'object' || node === null || !('op' in node)) return;
  const { op, args } = node as ASTNode;
  readPatterns(args);
  if (op !== 'rcall' || !['matches', 'find', 'findAll'].includes(args[0])) return;
  const [pattern] = args[2];
  if (pattern?.op === 'value' && typeof pattern.args === 'string') patternOf(pattern.args);
  if (args[0] === 'matches') args[0] = 'matchesPattern';
}

function mentions(node: unknown, name: string): boolean {
  if (Array.isArray(node)) return node.some((item) => mentions(item, name));
  if (typeof node !== 'object' || node === null || !('op' in node)) return false;
  const { op, args } = node as ASTNode;
  return (op === 'id' && args === name) || mentions(args, name);
}

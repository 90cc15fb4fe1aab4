/** What is wrong with a definition, before the cluster is asked: its YAML, and what the schema says. Pure. */
import { isMap, isScalar, isSeq, parseDocument, type Node } from 'yaml';
import { typeWords, type KindSchema, type Path, type Schema } from './schema.ts';

export interface Finding {
  /** Where, as offsets in the text. */
  from: number;
  to: number;
  severity: 'error' | 'warning';
  message: string;
}

/** @param schema absent where the cluster does not describe the kind: then only the YAML is checked */
export function findProblems(text: string, schema: KindSchema | undefined): Finding[] {
  const document = parseDocument(text, { prettyErrors: false });
  const broken = [...document.errors, ...document.warnings].map(({ pos, message, name }): Finding => ({
    from: pos[0],
    to: Math.max(pos[0] + 1, pos[1]),
    severity: name === 'YAMLWarning' ? 'warning' : 'error',
    message: sentence(message),
  }));
  if (document.errors.length > 0 || !schema) return broken;
  const found: Finding[] = [...broken];
  check(document.contents, schema.root, [], schema, found);
  return found;
}

function check(node: unknown, schema: Schema, path: Path, all: KindSchema, found: Finding[]): void {
  if (isMap(node)) {
    if (schema.type !== undefined && schema.type !== 'object') {
      report(node, `${last(path)} is to be ${article(schema)}.`, found);
      return;
    }
    const open = schema['x-kubernetes-preserve-unknown-fields'] === true || schema.additionalProperties === true || schema.properties === undefined;
    const keys = new Set<string>();
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value) : String(key);
      keys.add(name);
      const next = schema.properties?.[name] ?? (typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined);
      if (next) check(value, all.resolve(next), [...path, name], all, found);
      else if (!open) report(key as Node, `${name} is not known here, and would be refused.`, found);
    }
    for (const name of schema.required ?? []) if (!keys.has(name)) report(node, `${name} is missing.`, found, 'first');
  } else if (isSeq(node)) {
    if (schema.type !== undefined && schema.type !== 'array') {
      report(node, `${last(path)} is to be ${article(schema)}.`, found);
      return;
    }
    if (!schema.items) return;
    const items = all.resolve(schema.items);
    node.items.forEach((item, index) => check(item, items, [...path, index], all, found));
  } else if (isScalar(node)) {
    const problem = scalarProblem(node.value, schema);
    if (problem) report(node, `${last(path)} ${problem}.`, found);
  }
}

function scalarProblem(value: unknown, schema: Schema): string | undefined {
  if (value === null || schema['x-kubernetes-int-or-string'] || schema.format === 'int-or-string') return undefined;
  if (schema.enum && !schema.enum.includes(value)) return `is to be one of ${schema.enum.map(String).join(', ')}`;
  const fits: Record<string, boolean> = {
    string: typeof value === 'string',
    integer: typeof value === 'number' && Number.isInteger(value),
    number: typeof value === 'number',
    boolean: typeof value === 'boolean',
    object: false,
    array: false,
  };
  return schema.type !== undefined && fits[schema.type] === false ? `is to be ${article(schema)}${schema.type === 'string' ? ' (in quotes)' : ''}` : undefined;
}

function report(node: Node | undefined | null, message: string, found: Finding[], part: 'all' | 'first' = 'all'): void {
  const [from = 0, to = 1] = node?.range ?? [];
  found.push({ from, to: part === 'first' ? from + 1 : Math.max(from + 1, to), severity: 'error', message });
}

const last = (path: Path): string => path.map(String).at(-1) ?? 'The document';
const article = (schema: Schema): string => (/^(integer|object|array)/.test(schema.type ?? '') ? `an ${schema.type ?? ''}` : `a ${typeWords(schema)}`);

function sentence(text: string): string {
  const [line = ''] = text.split('\n');
  return /[.!?]$/.test(line) ? line : `${line}.`;
}

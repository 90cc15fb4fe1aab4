/** Functions that Kubernetes adds to CEL (kubernetes.io, "Common Expression Language in Kubernetes"). Those that are not here are refused by name. */
import { Environment } from '@marcbachmann/cel-js';
import { parseQuantity } from '#shared/kube/quantities.ts';
import { patternOf } from '../schema/json-schema.ts';
import { addAddresses } from './addresses.ts';
import { formatText } from './format.ts';
import { addNamedFormats } from './named-formats.ts';
import { addSets } from './sets.ts';

class Quantity {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

class Url {
  readonly url: URL;
  constructor(url: URL) {
    this.url = url;
  }
}

/**
 * What a rule is about: the value now, and the one before.
 * @param isOptional whether there need not be one before (`optionalOldSelf`)
 */
export function ruleEnvironment(isOptional = false): Environment {
  const env = new Environment({ enableOptionalTypes: true, homogeneousAggregateLiterals: false });
  env.registerVariable('self', 'dyn').registerVariable('oldSelf', isOptional ? 'optional<dyn>' : 'dyn');
  addTexts(env);
  addLists(env);
  addUrls(env);
  addQuantities(env);
  addAddresses(env);
  addSets(env, sameValue);
  addNamedFormats(env);
  return env;
}

function quantityOf(text: string): Quantity {
  const value = parseQuantity(text);
  if (value === undefined) throw new Error(`quantities must match the regular expression of a quantity: ${JSON.stringify(text)} does not`);
  return new Quantity(value);
}

function addTexts(env: Environment): void {
  const characters = (text: string): string[] => Array.from(text);
  const matches = (text: string, pattern: string): string[] => Array.from(text.matchAll(new RegExp(patternOf(pattern).source, `${patternOf(pattern).flags}g`)), ([found]) => found);
  // In place of "matches", which cannot be replaced: see readPatterns.
  env.registerFunction('string.matchesPattern(string): bool', (text: string, pattern: string) => patternOf(pattern).test(text));
  env.registerFunction('string.charAt(int): string', (text: string, at: bigint) => characters(text)[Number(at)] ?? '');
  env.registerFunction('string.replace(string, string): string', (text: string, old: string, next: string) => text.split(old).join(next));
  env.registerFunction('string.replace(string, string, int): string', (text: string, old: string, next: string, most: bigint) => {
    const parts = text.split(old);
    const count = most < 0n ? parts.length - 1 : Math.min(Number(most), parts.length - 1);
    return [parts.slice(0, count + 1).join(next), ...parts.slice(count + 1)].join(old);
  });
  env.registerFunction('string.find(string): string', (text: string, pattern: string) => matches(text, pattern)[0] ?? '');
  env.registerFunction('string.findAll(string): list<string>', matches);
  env.registerFunction('string.findAll(string, int): list<string>', (text: string, pattern: string, most: bigint) => (most < 0n ? matches(text, pattern) : matches(text, pattern).slice(0, Number(most))));
  env.registerFunction('string.format(list<dyn>): string', formatText);
}

type Comparable = bigint | number | string;
const sameValue = (a: unknown, b: unknown): boolean => env0().evaluate('self == oldSelf', { self: a, oldSelf: b }) === true;
let equals: Environment | undefined;
/** CEL's own equality, for lists of anything. */
function env0(): Environment {
  return (equals ??= new Environment().registerVariable('self', 'dyn').registerVariable('oldSelf', 'dyn'));
}

function addLists(env: Environment): void {
  const edge = (list: readonly Comparable[], before: (a: Comparable, b: Comparable) => boolean): Comparable => {
    const [first, ...rest] = list;
    if (first === undefined) throw new Error('min and max need a list that is not empty');
    return rest.reduce((best, item) => (before(item, best) ? item : best), first);
  };
  env.registerFunction('list<dyn>.isSorted(): bool', (list: readonly Comparable[]) => list.every((item, at) => at === 0 || !(item < (list[at - 1] ?? item))));
  env.registerFunction('list<dyn>.min(): dyn', (list: readonly Comparable[]) => edge(list, (a, b) => a < b));
  env.registerFunction('list<dyn>.max(): dyn', (list: readonly Comparable[]) => edge(list, (a, b) => a > b));
  env.registerFunction('list<dyn>.sum(): dyn', (list: readonly (bigint | number)[]) =>
    list.some((item) => typeof item === 'number') ? list.reduce<number>((sum, item) => sum + Number(item), 0) : list.reduce<bigint>((sum, item) => sum + BigInt(item), 0n),
  );
  env.registerFunction('list<dyn>.indexOf(dyn): int', (list: readonly unknown[], item: unknown) => BigInt(list.findIndex((other) => sameValue(other, item))));
  env.registerFunction('list<dyn>.lastIndexOf(dyn): int', (list: readonly unknown[], item: unknown) => BigInt(list.findLastIndex((other) => sameValue(other, item))));
}

function addUrls(env: Environment): void {
  const parse = (text: string): URL | undefined => (URL.canParse(text) ? new URL(text) : text.startsWith('/') ? new URL(text, 'none:/') : undefined);
  env.registerType('kubernetes.URL', { ctor: Url, fields: {} });
  env.registerFunction('isURL(string): bool', (text: string) => parse(text) !== undefined);
  env.registerFunction('url(string): kubernetes.URL', (text: string) => {
    const url = parse(text);
    if (!url) throw new Error(`URL parse error during conversion from string: ${JSON.stringify(text)}`);
    return new Url(url);
  });
  env.registerFunction('kubernetes.URL.getScheme(): string', ({ url }: Url) => (url.protocol === 'none:' ? '' : url.protocol.slice(0, -1)));
  env.registerFunction('kubernetes.URL.getHost(): string', ({ url }: Url) => url.host);
  env.registerFunction('kubernetes.URL.getHostname(): string', ({ url }: Url) => url.hostname.replace(/^\[(.*)\]$/, '$1'));
  env.registerFunction('kubernetes.URL.getPort(): string', ({ url }: Url) => url.port);
  env.registerFunction('kubernetes.URL.getEscapedPath(): string', ({ url }: Url) => url.pathname);
  env.registerFunction('kubernetes.URL.getQuery(): map<string, list<string>>', ({ url }: Url) => Object.fromEntries([...url.searchParams.keys()].map((key) => [key, url.searchParams.getAll(key)])));
}

function addQuantities(env: Environment): void {
  env.registerType('kubernetes.Quantity', { ctor: Quantity, fields: {} });
  const on = (signature: string, handler: (a: Quantity, b: Quantity) => unknown): void => {
    env.registerFunction(`kubernetes.Quantity.${signature}`, handler);
  };
  env.registerFunction('isQuantity(string): bool', (text: string) => parseQuantity(text) !== undefined);
  env.registerFunction('quantity(string): kubernetes.Quantity', quantityOf);
  on('isGreaterThan(kubernetes.Quantity): bool', (a, b) => a.value > b.value);
  on('isLessThan(kubernetes.Quantity): bool', (a, b) => a.value < b.value);
  on('compareTo(kubernetes.Quantity): int', (a, b) => BigInt(Math.sign(a.value - b.value)));
  on('add(kubernetes.Quantity): kubernetes.Quantity', (a, b) => new Quantity(a.value + b.value));
  on('sub(kubernetes.Quantity): kubernetes.Quantity', (a, b) => new Quantity(a.value - b.value));
  env.registerFunction('kubernetes.Quantity.add(int): kubernetes.Quantity', (a: Quantity, b: bigint) => new Quantity(a.value + Number(b)));
  env.registerFunction('kubernetes.Quantity.sub(int): kubernetes.Quantity', (a: Quantity, b: bigint) => new Quantity(a.value - Number(b)));
  on('sign(): int', ({ value }) => BigInt(Math.sign(value)));
  on('isInteger(): bool', ({ value }) => Number.isSafeInteger(value));
  on('asApproximateFloat(): double', ({ value }) => value);
  on('asInteger(): int', ({ value }) => {
    if (!Number.isSafeInteger(value)) throw new Error('cannot convert value to integer');
    return BigInt(value);
  });
}

/** Lists as sets in rules. Source: CEL's extension for sets, as Kubernetes has it. */
import type { Environment } from '@marcbachmann/cel-js';

/** What `sets` is in `sets.contains(…)`. */
class SetFunctions {
  readonly is = 'sets';
}

/** @param isSame CEL's own equality */
export function addSets(env: Environment, isSame: (a: unknown, b: unknown) => boolean): void {
  const has = (list: readonly unknown[], item: unknown): boolean => list.some((other) => isSame(other, item));
  const contains = (list: readonly unknown[], part: readonly unknown[]): boolean => part.every((item) => has(list, item));
  const add = (name: string, handler: (a: readonly unknown[], b: readonly unknown[]) => boolean): void => {
    env.registerFunction(`SetFunctions.${name}(list<dyn>, list<dyn>): bool`, (_: SetFunctions, a: readonly unknown[], b: readonly unknown[]) => handler(a, b));
  };
  env.registerType('SetFunctions', { ctor: SetFunctions, fields: {} });
  env.registerConstant('sets', 'SetFunctions', new SetFunctions());
  add('contains', contains);
  add('equivalent', (a, b) => contains(a, b) && contains(b, a));
  add('intersects', (a, b) => a.some((item) => has(b, item)));
}

/** Gives a field a value where it has none. */
export function fill<T extends object, K extends keyof T>(target: T, field: K, value: T[K] | undefined): void {
  if (value !== undefined && target[field] === undefined) target[field] = structuredClone(value);
}

/** The order of versions: v2, v1, v1beta2, v1beta1, v1alpha1, then whatever else by name. Source: CRD versioning, "version priority". */

const released = /^v(\d+)(?:(alpha|beta)(\d+))?$/;
const maturity = { alpha: 1, beta: 2, stable: 3 };

/** For sorting: the version that clients should prefer comes first. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [rankOf(a), rankOf(b)];
  if (!left || !right) return left ? -1 : right ? 1 : a < b ? -1 : Number(a > b);
  return right.reduce((order, value, at) => order || value - (left[at] ?? 0), 0);
}

function rankOf(version: string): number[] | undefined {
  const match = released.exec(version);
  if (!match) return undefined;
  const [, major, stage, minor] = match;
  return [maturity[(stage ?? 'stable') as keyof typeof maturity], Number(major), Number(minor ?? 0)];
}

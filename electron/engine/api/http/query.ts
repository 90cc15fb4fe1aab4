/** Query parameters as Kubernetes reads them. */

/** A switch is on unless it is absent, or says false. */
export function flagOf(query: URLSearchParams, name: string): boolean {
  const value = query.get(name)?.toLowerCase();
  return value !== undefined && value !== 'false' && value !== '0';
}

/**
 * API versions: what the app says in one version is said to each cluster in one that it serves. The kinds below have the
 * same fields, as far as the app uses them, in all versions that are named (kubevirt.io/api and its `crds.go`).
 */

/** Newest first. KubeVirt 0.52 (2022) serves the last of each, today's the first. */
const sameShape: Record<string, readonly string[]> = {
  'snapshot.kubevirt.io': ['v1beta1', 'v1alpha1'],
  'clone.kubevirt.io': ['v1beta1', 'v1alpha1'],
  'export.kubevirt.io': ['v1', 'v1beta1', 'v1alpha1'],
  'instancetype.kubevirt.io': ['v1beta1', 'v1alpha2', 'v1alpha1'],
  'pool.kubevirt.io': ['v1beta1', 'v1alpha1'],
};

/** `GET /apis`. */
export interface GroupList {
  groups?: { name: string; versions?: { version: string }[] }[];
}

export class ServedGroups {
  readonly #versions: ReadonlyMap<string, readonly string[]>;

  constructor({ groups = [] }: GroupList) {
    this.#versions = new Map(groups.map(({ name, versions = [] }) => [name, versions.map(({ version }) => version)]));
  }

  has(group: string): boolean {
    return this.#versions.has(group);
  }

  /** The version to use of a group instead of `wanted`; `wanted` itself where it is served, or nothing fits. */
  version(group: string, wanted: string): string {
    const served = this.#versions.get(group);
    if (!served || served.includes(wanted)) return wanted;
    const alike = sameShape[group] ?? [];
    return alike.includes(wanted) ? (alike.find((version) => served.includes(version)) ?? wanted) : wanted;
  }

  /** A request's path and body in a version that is served. */
  speak(path: string, body: unknown): { path: string; body: unknown } {
    const [start, group, wanted] = /^\/apis\/([^/]+)\/([^/?]+)/.exec(path) ?? [];
    if (start === undefined || group === undefined || wanted === undefined) return { path, body };
    const version = this.version(group, wanted);
    if (version === wanted) return { path, body };
    const says = typeof body === 'object' && body !== null && (body as { apiVersion?: unknown }).apiVersion === `${group}/${wanted}`;
    return {
      path: `/apis/${group}/${version}${path.slice(start.length)}`,
      body: says ? { ...body, apiVersion: `${group}/${version}` } : body,
    };
  }
}

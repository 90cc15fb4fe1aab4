/** What the engine serves, as Kubernetes' discovery documents tell it. */
import type { AnyDefinition, StreamRoute, SubresourceRoute } from '../definition.ts';
import { compareVersions } from './version-order.ts';

export interface ServedResource {
  name: string;
  singularName: string;
  namespaced: boolean;
  group: string;
  version: string;
  kind: string;
  verbs: string[];
  shortNames?: readonly string[];
  categories?: readonly string[];
}

export interface ServedVersion {
  group: string;
  version: string;
  resources: ServedResource[];
}

const storedVerbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const computedVerbs = ['get', 'list'];
const statusVerbs = ['get', 'patch', 'update'];
export const scaleKind = { group: 'autoscaling', version: 'v1', kind: 'Scale' };
const verbOf = { GET: 'get', PUT: 'update', POST: 'create' } as const;

/** Every group and version, the core group first. */
export function servedVersions(definitions: readonly AnyDefinition[], routes: readonly (SubresourceRoute | StreamRoute)[]): ServedVersion[] {
  const versions = new Map<string, ServedVersion>();
  const at = (group: string, version: string): ServedVersion => {
    const key = `${group}/${version}`;
    const found = versions.get(key) ?? { group, version, resources: [] };
    versions.set(key, found);
    return found;
  };
  for (const definition of definitions) at(definition.group, definition.version).resources.push(...resourcesOf(definition));
  for (const route of routes) {
    const parent = definitions.find((definition) => definition.plural === route.resource);
    for (const version of route.versions) {
      const { resources } = at(route.group, version);
      const name = route.subresource === '' ? route.resource : `${route.resource}/${route.subresource}`;
      if (resources.some((resource) => resource.name === name)) continue;
      resources.push({
        name,
        singularName: '',
        namespaced: parent?.namespaced ?? true,
        group: parent?.group ?? route.group,
        version: parent?.version ?? version,
        kind: parent?.kind ?? '',
        verbs: ['method' in route ? verbOf[route.method] : 'get'],
      });
    }
  }
  return [...versions.values()].sort((a, b) => a.group.localeCompare(b.group) || compareVersions(a.version, b.version));
}

function resourcesOf(definition: AnyDefinition): ServedResource[] {
  const { group, version, kind, plural, singular, namespaced, shortNames, categories } = definition;
  const common = { namespaced, group, version, kind };
  const resource: ServedResource = {
    ...common,
    name: plural,
    singularName: singular,
    verbs: definition.answer ? ['create'] : definition.compute ? computedVerbs : storedVerbs,
    ...(shortNames ? { shortNames } : {}),
    ...(categories ? { categories } : {}),
  };
  const parts: ServedResource[] = [];
  if (definition.statusSubresource) parts.push({ ...common, name: `${plural}/status`, singularName: '', verbs: statusVerbs });
  if (definition.scale) parts.push({ ...scaleKind, namespaced, name: `${plural}/scale`, singularName: '', verbs: statusVerbs });
  return [resource, ...parts];
}

const groupVersionOf = ({ group, version }: { group: string; version: string }): string =>
  group === '' ? version : `${group}/${version}`;

/** `GET /api/v1` and `GET /apis/{group}/{version}` */
export function apiResourceList(served: ServedVersion): unknown {
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: groupVersionOf(served),
    resources: served.resources,
  };
}

/** `GET /apis/{group}` */
export function apiGroup(versions: readonly ServedVersion[]): Record<string, unknown> {
  const entries = versions.map((served) => ({ groupVersion: groupVersionOf(served), version: served.version }));
  return { kind: 'APIGroup', apiVersion: 'v1', name: versions[0]?.group, versions: entries, preferredVersion: entries[0] };
}

/** `GET /apis` */
export function apiGroupList(groups: ReadonlyMap<string, readonly ServedVersion[]>): unknown {
  const named = [...groups.entries()].filter(([name]) => name !== '');
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: named.map(([, versions]) => apiGroup(versions)) };
}

/** All in one document: `as=APIGroupDiscoveryList` of `apidiscovery.k8s.io`. */
export function aggregated(groups: ReadonlyMap<string, readonly ServedVersion[]>, version: 'v2' | 'v2beta1'): unknown {
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: [...groups.entries()].map(([name, versions]) => ({
      metadata: name === '' ? {} : { name },
      versions: versions.map((served) => ({
        version: served.version,
        freshness: 'Current',
        resources: discoveryResources(served.resources),
      })),
    })),
  };
}

function discoveryResources(resources: readonly ServedResource[]): unknown[] {
  const parents = new Map<string, Record<string, unknown> & { subresources?: unknown[] }>();
  for (const resource of resources) {
    const [plural = '', ...rest] = resource.name.split('/');
    const responseKind = { group: resource.group, version: resource.version, kind: resource.kind };
    if (rest.length === 0) {
      parents.set(plural, {
        ...parents.get(plural),
        ...{ resource: plural, responseKind, scope: resource.namespaced ? 'Namespaced' : 'Cluster' },
        ...{ singularResource: resource.singularName, verbs: resource.verbs },
        ...{ shortNames: resource.shortNames, categories: resource.categories },
      });
    } else {
      const scope = resource.namespaced ? 'Namespaced' : 'Cluster';
      // A group may have nothing of a resource but what can be done to it (subresources.kubevirt.io).
      const parent: Record<string, unknown> & { subresources?: unknown[] } = parents.get(plural) ?? { resource: plural, scope, verbs: [], singularResource: '' };
      parents.set(plural, {
        ...parent,
        subresources: [...(parent.subresources ?? []), { subresource: rest.join('/'), responseKind, verbs: resource.verbs }],
      });
    }
  }
  return [...parents.values()];
}

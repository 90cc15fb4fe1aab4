/** Everything that the engine serves: what its parts bring, and the kinds that come and go while it runs. */
import { apiVersionOf, type AnyDefinition, type DynamicKinds, type EngineModule, type StreamRoute, type SubresourceRoute } from './definition.ts';
import { servedVersions, type ServedVersion } from './discovery/api-resources.ts';
import type { Target } from './http/target.ts';
import { OpenApi } from './openapi/documents.ts';

export interface Catalogued {
  definitions: readonly AnyDefinition[];
  /** By group, the core group first. */
  groups: ReadonlyMap<string, readonly ServedVersion[]>;
  openApi: OpenApi;
}

export class Catalogue {
  readonly #modules: readonly EngineModule[];
  readonly #dynamic: readonly DynamicKinds[];
  readonly #version: string;
  readonly #subresources: readonly SubresourceRoute[];
  readonly #streams: readonly StreamRoute[];
  #found = new Map<string, AnyDefinition>();
  #made: (Catalogued & { generation: number }) | undefined;

  constructor(modules: readonly EngineModule[], version: string) {
    this.#modules = modules;
    this.#dynamic = modules.flatMap((module) => (module.dynamic ? [module.dynamic] : []));
    this.#version = version;
    this.#subresources = modules.flatMap((module) => module.subresources ?? []);
    this.#streams = modules.flatMap((module) => module.streams ?? []);
  }

  /** As of now; the same object for as long as nothing comes or goes. */
  current(): Catalogued {
    const generation = this.#dynamic.reduce((sum, kinds) => sum + kinds.generation, 0);
    if (this.#made?.generation === generation) return this.#made;
    const definitions = [...this.#modules.flatMap((module) => module.definitions), ...this.#dynamic.flatMap((kinds) => kinds.definitions())];
    const groups = new Map<string, ServedVersion[]>();
    for (const served of servedVersions(definitions, [...this.#subresources, ...this.#streams])) {
      groups.set(served.group, [...(groups.get(served.group) ?? []), served]);
    }
    this.#found = new Map(definitions.map((definition) => [`${apiVersionOf(definition)}/${definition.plural}`, definition]));
    this.#made = { definitions, groups, openApi: new OpenApi(definitions, this.#version), generation };
    return this.#made;
  }

  definition({ group, version, resource }: Target): AnyDefinition | undefined {
    this.current();
    return this.#found.get(`${apiVersionOf({ group, version })}/${resource}`);
  }

  /** What can be done to what a path names, by method. */
  subresources(target: Target): SubresourceRoute[] {
    return this.#subresources.filter((route) => fits(route, target));
  }

  stream(target: Target): StreamRoute | undefined {
    return this.#streams.find((route) => fits(route, target));
  }
}

const fits = (route: SubresourceRoute | StreamRoute, target: Target): boolean =>
  route.group === target.group &&
  route.versions.includes(target.version) &&
  route.resource === target.resource &&
  (route.subresource === (target.subresource ?? '') || ('takesPath' in route && target.subresource?.startsWith(`${route.subresource}/`) === true));

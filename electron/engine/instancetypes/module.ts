/** Instancetypes and preferences: their kinds, those that are there from the start, and what they make of a machine. */
import type { KubeObject } from '#shared/kube/object.ts';
import type { EngineModule, ResourceDefinition } from '../api/definition.ts';
import type { EngineContext } from '../context.ts';
import type { Resources } from '../store/resources.ts';
import { commonInstancetypes, commonPreferences } from './common-types.ts';
import { clusterInstancetypes, clusterPreferences, controllerRevisions, instancetypes, preferences } from './definitions.ts';
import { expandRoutes } from './routes.ts';

export function createInstancetypesModule(): EngineModule {
  let started: EngineContext | undefined;
  const context = (): EngineContext => {
    if (!started) throw new Error('The instancetypes module has not been started.');
    return started;
  };
  return {
    name: 'instancetypes',
    definitions: [instancetypes, clusterInstancetypes, preferences, clusterPreferences, controllerRevisions],
    subresources: expandRoutes(context),
    start: (given) => {
      started = given;
      makeMissing(given.resources, clusterInstancetypes, commonInstancetypes());
      makeMissing(given.resources, clusterPreferences, commonPreferences());
      return Promise.resolve();
    },
    stop: () => Promise.resolve(),
  };
}

/** What somebody changed is left as it is. */
function makeMissing<T extends KubeObject>(resources: Resources, of: ResourceDefinition<T>, wanted: T[]): void {
  const present = new Set(resources.list(of).map(({ metadata }) => metadata.name));
  for (const object of wanted) if (!present.has(object.metadata.name)) resources.create(of, object);
}

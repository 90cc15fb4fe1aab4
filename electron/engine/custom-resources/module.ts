/** Kinds that are added while the engine runs (CustomResourceDefinitions). Most of the code is loaded with the first of them. */
import type { AnyDefinition, EngineModule, ResourceDefinition } from '../api/definition.ts';
import { object } from '../api/schema.ts';
import type { EngineContext } from '../context.ts';
import { customResourceDefinitions, type CustomResourceDefinition } from './definition.ts';
import { CustomKinds } from './kinds.ts';
import type * as parts from './parts.ts';

/** What is needed once there is a definition. */
type Parts = typeof parts;

/** @param served kinds that the engine brings itself */
export function createCustomResourcesModule(served: () => readonly AnyDefinition[]): EngineModule {
  const kinds = new CustomKinds();
  const removals = new Map<string, () => void>();
  let loaded: Parts | undefined;
  let context: EngineContext | undefined;
  let unsubscribe: () => void = () => undefined;

  const load = async (): Promise<void> => {
    loaded ??= await import('./parts.ts');
  };
  const started = (): { parts: Parts; context: EngineContext } => {
    if (!loaded || !context) throw new Error('The parts for custom resources have not been loaded.');
    return { parts: loaded, context };
  };
  const definitions: ResourceDefinition<CustomResourceDefinition> = {
    ...customResourceDefinitions,
    prepare: load,
    admit: (admission) => {
      const { parts, context: { resources } } = started();
      parts.admitDefinition(admission, { others: resources.list(customResourceDefinitions), served: served() });
    },
  };

  const take = (crd: CustomResourceDefinition): void => {
    const { parts, context: given } = started();
    kinds.take(crd, parts.kindsOf);
    const { name = '', deletionTimestamp } = crd.metadata;
    if (deletionTimestamp === undefined || removals.has(name)) return;
    // Stored objects are found by group and plural, whatever the version; there may be none that is served.
    const bare: ResourceDefinition = { ...bareKind, kind: crd.spec.names.kind, group: crd.spec.group, plural: crd.spec.names.plural, namespaced: crd.spec.scope === 'Namespaced' };
    removals.set(name, parts.removeObjects(given, crd, bare));
  };
  const drop = ({ metadata: { name = '' } }: CustomResourceDefinition): void => {
    kinds.drop(name);
    removals.get(name)?.();
    removals.delete(name);
    // Names that were taken may be free now.
    const { resources } = started().context;
    for (const other of resources.list(customResourceDefinitions)) {
      if (other.status?.conditions?.some(({ type, status }) => type === 'NamesAccepted' && status === 'False')) {
        resources.change(definitions, undefined, other.metadata.name ?? '', () => undefined);
      }
    }
  };
  return {
    name: 'custom-resources',
    definitions: [definitions],
    dynamic: kinds,
    start: async (given) => {
      context = given;
      const present = given.resources.list(customResourceDefinitions);
      if (present.length > 0) await load();
      present.forEach(take);
      unsubscribe = given.resources.subscribe(customResourceDefinitions, ({ type, object }) => (type === 'DELETED' ? drop(object) : take(object)));
    },
    stop: () => {
      unsubscribe();
      for (const stop of removals.values()) stop();
      removals.clear();
      return Promise.resolve();
    },
  };
}

const bareKind = { version: 'v1', singular: '', statusSubresource: false, schema: object({}) };

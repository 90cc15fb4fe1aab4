/** Kinds that are added while the engine runs (CustomResourceDefinitions). Most of the code is loaded with the first of them. */
import type { AnyDefinition, EngineModule, ResourceDefinition } from '../api/definition.ts';
import { object } from '../api/schema.ts';
import type { EngineContext } from '../context.ts';
import { customResourceDefinitions, type CustomResourceDefinition } from './definition.ts';
import { CustomKinds } from './kinds.ts';
import type * as parts from './parts.ts';
import type * as ruleParts from './rules/parts.ts';

/** What is needed once there is a definition, and once there is one with rules. */
type Parts = typeof parts;
type RuleParts = typeof ruleParts;

const hasRules = (body: object): boolean => (Buffer.isBuffer(body) ? body.toString() : JSON.stringify(body)).includes('x-kubernetes-validations');

/** @param served kinds that the engine brings itself */
export function createCustomResourcesModule(served: () => readonly AnyDefinition[]): EngineModule {
  const kinds = new CustomKinds();
  const removals = new Map<string, () => void>();
  let loaded: Parts | undefined;
  let rules: RuleParts | undefined;
  let context: EngineContext | undefined;
  let unsubscribe: () => void = () => undefined;

  const load = async (...bodies: object[]): Promise<void> => {
    loaded ??= await import('./parts.ts');
    if (bodies.some(hasRules)) rules ??= await import('./rules/parts.ts');
  };
  const started = (): { parts: Parts; context: EngineContext } => {
    if (!loaded || !context) throw new Error('The parts for custom resources have not been loaded.');
    return { parts: loaded, context };
  };
  const definitions: ResourceDefinition<CustomResourceDefinition> = {
    ...customResourceDefinitions,
    prepare: (body) => load(body),
    admit: (admission) => {
      const { parts, context: { resources } } = started();
      parts.admitDefinition(admission, { others: resources.list(customResourceDefinitions), served: served(), rules });
    },
  };

  const take = (crd: CustomResourceDefinition): void => {
    const { parts, context: given } = started();
    kinds.take(crd, (of, isTerminating) => parts.kindsOf(of, isTerminating, rules));
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
      if (present.length > 0) await load(...present);
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

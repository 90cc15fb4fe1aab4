/**
 * The parts of an API server alone (`--api-only`): it keeps objects and runs nothing. The kinds of KubeVirt, CDI, Longhorn
 * and Harvester are whatever CustomResourceDefinitions say, which is what a program needs that is tried against objects
 * recorded on other clusters.
 */
import { createApiServer } from '../api/server.ts';
import type { EngineModule } from '../api/definition.ts';
import { configMaps } from '../core/config-map.ts';
import { events } from '../core/event.ts';
import { leases } from '../core/lease.ts';
import { namespaces } from '../core/namespace.ts';
import { secrets } from '../core/secret.ts';
import { createCustomResourcesModule } from '../custom-resources/module.ts';
import type { EngineParts } from '../engine.ts';
import type { Issue } from '../tls/key-pair.ts';
import { openDefinitions } from './kinds.ts';

export function apiOnlyParts(issue: Issue): EngineParts {
  const core: EngineModule = {
    name: 'core',
    definitions: [namespaces, configMaps, secrets, events, leases, ...openDefinitions],
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
  };
  return { issue, apiOnly: true, createModules: ({ served }) => [core, createCustomResourcesModule(served)], createServer: createApiServer };
}

/** The kinds that every part of the engine builds on, and the Node. */
import type { EngineModule } from '../api/definition.ts';
import { configMaps } from './config-map.ts';
import { events } from './event.ts';
import { keepHostNode, type HostNode } from './host-node.ts';
import { leases } from './lease.ts';
import { namespaces } from './namespace.ts';
import { nodes } from './node.ts';
import { pods } from './pod.ts';
import { secrets } from './secret.ts';

export function createCoreModule(): EngineModule {
  let hostNode: HostNode | undefined;
  return {
    name: 'core',
    definitions: [namespaces, configMaps, secrets, nodes, events, leases, pods],
    start: async (context) => {
      hostNode = await keepHostNode(context);
    },
    stop: async () => {
      await hostNode?.stop();
    },
  };
}

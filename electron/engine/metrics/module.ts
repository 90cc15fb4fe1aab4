/** Figures: what machines and this computer use, now and in the last hours, for kubectl, Prometheus and the app. */
import { join } from 'node:path';
import type { EngineModule } from '../api/definition.ts';
import type { EngineContext } from '../context.ts';
import { nodes } from '../core/node.ts';
import { virtualMachineInstances } from '../machines/definitions/virtual-machine-instance.ts';
import { virtualMachines } from '../machines/definitions/virtual-machine.ts';
import type { Guests } from '../machines/guests.ts';
import { keeperOf } from '../qemu/firmware/kept-state.ts';
import { Histories } from './history/histories.ts';
import { nodeMetrics, podMetrics } from './kinds/definitions.ts';
import { historyRoutes } from './kinds/history-routes.ts';
import { machineUsage, nodeUsage } from './kinds/usage.ts';
import { MemoryNotes } from './memory/memory-notes.ts';
import { NODE_HISTORY, Sampler } from './sampler.ts';

/** How old figures may be, as metrics-server's usually are. */
const oldestMs = 15_000;

interface Started {
  context: EngineContext;
  histories: Histories;
  sampler: Sampler;
  memory: MemoryNotes;
  stopSweeping(): void;
}

export function createMetricsModule({ guests }: { guests: Guests }): EngineModule {
  let started: Started | undefined;
  const now = (): Started => {
    if (!started) throw new Error('The metrics module has not been started.');
    return started;
  };
  return {
    name: 'metrics',
    definitions: [
      {
        ...nodeMetrics,
        compute: async () => {
          const { context, sampler } = now();
          await sampler.fresh(oldestMs);
          const node = context.resources.get(nodes, undefined, context.nodeName);
          const usage = nodeUsage(context.nodeName, node?.metadata.labels ?? {}, sampler.node);
          return usage ? [usage] : [];
        },
      },
      {
        ...podMetrics,
        compute: async () => {
          const { sampler } = now();
          await sampler.fresh(oldestMs);
          return sampler.machines().flatMap((machine) => machineUsage(machine) ?? []);
        },
      },
    ],
    subresources: historyRoutes({ context: () => now().context, histories: () => now().histories, sampler: () => now().sampler }),
    documents: [
      {
        path: '/metrics',
        read: async () => {
          const { context, sampler } = now();
          // Who never asks needs none of it.
          const { metricsPage } = await import('./prometheus/page.ts');
          return metricsPage(context, sampler);
        },
      },
    ],
    start: (context) => {
      const histories = new Histories({ folder: join(context.dataDir, 'metrics'), log: context.log });
      const sampler = new Sampler({ histories, instances: () => context.resources.list(virtualMachineInstances), log: context.log });
      const memory = new MemoryNotes(context, sampler);
      started = { context, histories, sampler, memory, stopSweeping: forgetWithMachines(context, histories) };
      for (const guest of guests.all()) {
        sampler.follow(guest, false);
        memory.changed(guest);
      }
      guests.onHold = (guest) => {
        sampler.follow(guest, true);
        memory.began(guest);
      };
      guests.memoryWarning = (bytes) => memory.warning(bytes);
      return Promise.resolve();
    },
    stop: async () => {
      started?.stopSweeping();
      started?.memory.stop();
      await started?.sampler.stop();
    },
  };
}

/** A machine's history goes with it; looks now as well, for an engine may have died meanwhile. */
function forgetWithMachines({ resources }: EngineContext, histories: Histories): () => void {
  const machines = resources.list(virtualMachines).map(({ metadata }) => metadata.uid ?? '');
  histories.keepOnly(new Set([NODE_HISTORY, ...machines, ...resources.list(virtualMachineInstances).map(keeperOf)]));
  const stops = [
    resources.subscribe(virtualMachines, ({ type, object }) => {
      if (type === 'DELETED') histories.remove(object.metadata.uid ?? '');
    }),
    resources.subscribe(virtualMachineInstances, ({ type, object }) => {
      // One that a machine made leaves its history to the machine.
      if (type === 'DELETED' && keeperOf(object) === object.metadata.uid) histories.remove(object.metadata.uid);
    }),
  ];
  return () => stops.forEach((stop) => stop());
}

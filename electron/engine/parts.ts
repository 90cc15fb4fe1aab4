/** The real parts of the engine. */
import { join } from 'node:path';
import { createApiServer } from './api/server.ts';
import { createClonesModule } from './clones/module.ts';
import { createCoreModule } from './core/module.ts';
import { createCustomResourcesModule } from './custom-resources/module.ts';
import { createDisksModule } from './disks/module.ts';
import type { EngineParts } from './engine.ts';
import { Downloads } from './exports/downloads.ts';
import { createExportsModule } from './exports/module.ts';
import { createInstancetypesModule } from './instancetypes/module.ts';
import { createMachinesModule } from './machines/module.ts';
import { createMetricsModule } from './metrics/module.ts';
import { createNetworksModule } from './networks/module.ts';
import { createHypervisor } from './qemu/hypervisor.ts';
import { createSnapshotsModule } from './snapshots/module.ts';
import type { Issue } from './tls/key-pair.ts';

export function engineParts(issue: Issue): EngineParts {
  return {
    issue,
    createModules: ({ dataDir, log, served }) => {
      const disks = createDisksModule({ dataDir, growOpen: (...disk) => machines.growOpen(...disk) });
      const hypervisor = createHypervisor({
        runDir: join(dataDir, 'run'),
        cacheDir: join(dataDir, 'cache'),
        firmwareDir: join(dataDir, 'firmware'),
        log,
      });
      const networks = createNetworksModule({ guests: () => machines.guests, dataDir, log });
      const machines = createMachinesModule({ hypervisor, disks: disks.catalog, volumes: disks.volumes, networks: networks.attachments });
      const downloads = new Downloads();
      const { claims, volumes } = disks;
      const snapshots = createSnapshotsModule({ disks: disks.parts, claims, volumes, guests: machines.guests, machines: machines.machines, downloads });
      const metrics = createMetricsModule({ guests: machines.guests });
      const exports = createExportsModule({ disks: disks.parts, downloads, keptDir: join(dataDir, 'firmware') });
      return [createCoreModule(), createInstancetypesModule(), disks, machines, networks, snapshots, createClonesModule(), exports, metrics, createCustomResourcesModule(served)];
    },
    createServer: createApiServer,
  };
}

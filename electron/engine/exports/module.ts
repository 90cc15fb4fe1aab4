/** Disks and machines to be downloaded: the backup that a KubeVirt cluster can import. */
import { rmSync } from 'node:fs';
import type { EngineModule } from '../api/definition.ts';
import type { Controller } from '../controller.ts';
import type { DiskParts } from '../disks/parts.ts';
import { controlExports } from './controller.ts';
import { virtualMachineExports } from './definition.ts';
import { socketFolder } from './download/nbd-server.ts';
import type { Downloads } from './downloads.ts';
import { exportRoute, type ExportParts } from './routes.ts';

export interface ExportsOptions {
  /** The disks module's own, once it has started. */
  disks: () => DiskParts;
  downloads: Downloads;
}

export function createExportsModule({ disks, downloads }: ExportsOptions): EngineModule {
  let parts: ExportParts | undefined;
  let controller: Controller | undefined;
  return {
    name: 'exports',
    definitions: [virtualMachineExports],
    raw: [exportRoute(() => parts)],
    start: (context) => {
      rmSync(socketFolder(context.dataDir), { recursive: true, force: true });
      let reach = { url: context.endpoint, ca: context.caCertificate };
      parts = { ...disks(), context, downloads, reach: () => reach };
      const exports = controlExports(parts);
      controller = exports;
      context.followReach((next) => {
        reach = next;
        // Links lead to where the engine was.
        for (const { metadata } of context.resources.list(virtualMachineExports)) exports.enqueue({ namespace: metadata.namespace, name: metadata.name ?? '' });
      });
      return Promise.resolve();
    },
    stop: async () => {
      downloads.end();
      await controller?.stop();
    },
  };
}

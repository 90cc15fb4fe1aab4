/** Disks and machines to be downloaded: the backup that a KubeVirt cluster can import. */
import { rmSync } from 'node:fs';
import { EXPORT_VERSIONS } from '#shared/kube/export.ts';
import type { EngineModule } from '../api/definition.ts';
import type { Controller } from '../controller.ts';
import type { DiskParts } from '../disks/parts.ts';
import { controlExports } from './controller.ts';
import { exportVersions, virtualMachineExports } from './definition.ts';
import { socketFolder } from './download/nbd-server.ts';
import type { Downloads } from './downloads.ts';
import { stateRoute } from './state/routes.ts';
import { exportRoute, type ExportParts } from './routes.ts';

export interface ExportsOptions {
  /** The disks module's own, once it has started. */
  disks: () => DiskParts;
  downloads: Downloads;
  /** Where the state of machines' firmware and TPMs is kept. */
  keptDir: string;
}

export function createExportsModule({ disks, downloads, keptDir }: ExportsOptions): EngineModule {
  let parts: ExportParts | undefined;
  let controller: Controller | undefined;
  return {
    name: 'exports',
    definitions: exportVersions,
    raw: EXPORT_VERSIONS.map((version) => exportRoute(version, () => parts)),
    subresources: [stateRoute(() => parts)],
    start: (context) => {
      rmSync(socketFolder(context.dataDir), { recursive: true, force: true });
      let reach = { url: context.endpoint, ca: context.caCertificate };
      parts = { ...disks(), context, downloads, keptDir, reach: () => reach };
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

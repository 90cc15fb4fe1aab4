/** Disks: claims and their files, DataVolumes that fill them, and the upload proxy. */
import type { CdiConfig, DataVolume } from '#shared/kube/cdi.ts';
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import type { EngineModule, ResourceDefinition } from '../api/definition.ts';
import { notFound } from '../api/errors.ts';
import type { EngineContext } from '../context.ts';
import type { Controller } from '../controller.ts';
import type { Resources } from '../store/resources.ts';
import { claimsWithin, volumesWithin } from './admission.ts';
import { findDisk } from './catalog.ts';
import { controlClasses } from './controllers/classes.ts';
import { controlClaims } from './controllers/claims.ts';
import { controlVolumes } from './controllers/volumes.ts';
import { cdiConfigs, CONFIG_NAME } from './definitions/cdi-config.ts';
import { DEFAULT_CLASS, defaultStorageClass, storageClasses } from './definitions/storage-class.ts';
import { uploadTokenRequests } from './definitions/upload-token-request.ts';
import { createClaimFiles } from './files/claim-files.ts';
import { createJobs } from './jobs.ts';
import type { DiskParts } from './parts.ts';
import type { DiskCatalog, GrowOpenDisk } from './types.ts';
import { uploadRoutes, type ProxyParts } from './upload/proxy.ts';
import { createUploadTokens } from './upload/token.ts';

export interface DisksOptions {
  /** The engine's data folder: disks lie in `disks` below it. */
  dataDir: string;
  /** Makes disks larger that running machines have open. */
  growOpen: GrowOpenDisk;
}

export type DisksModule = EngineModule & {
  catalog: DiskCatalog;
  /** DataVolumes and claims with all their checks, for whoever makes some. */
  volumes: ResourceDefinition<DataVolume>;
  claims: ResourceDefinition<PersistentVolumeClaim>;
  /** For whoever works on the disks' files; throws before the start. */
  parts: () => DiskParts;
};

export function createDisksModule({ dataDir, growOpen }: DisksOptions): DisksModule {
  const files = createClaimFiles(dataDir);
  const tokens = createUploadTokens();
  let parts: ProxyParts | undefined;
  let stopped = false;
  let controllers: Controller[] = [];
  let classes: Controller | undefined;
  const started = (): ProxyParts => {
    if (!parts) throw new Error('The disks module has not been started.');
    return parts;
  };
  const around = (): { resources: Resources; files: typeof files } => ({ resources: started().resources, files });
  const claims = claimsWithin(around);
  const volumes = volumesWithin(around);
  const tokenRequests: typeof uploadTokenRequests = {
    ...uploadTokenRequests,
    answer: (request) => {
      const { namespace = 'default' } = request.metadata;
      const claimName = request.spec.pvcName;
      if (!started().resources.get(claims, namespace, claimName)) throw notFound(claims, claimName);
      return { ...request, status: { token: tokens.issue({ namespace, claimName }) } };
    },
  };
  const jobs = createJobs(({ metadata }) => {
    for (const controller of controllers) controller.enqueue({ namespace: metadata.namespace, name: metadata.name ?? '' });
  });

  return {
    name: 'disks',
    volumes,
    claims,
    parts: started,
    definitions: [claims, storageClasses, volumes, cdiConfigs, tokenRequests],
    raw: uploadRoutes(() => parts),
    catalog: { find: (namespace, claimName) => findDisk({ resources: started().resources, files, jobs }, namespace, claimName) },
    start: (context) => {
      const { resources, events, log } = context;
      files.folder();
      parts = { resources, events, log, files, jobs, growOpen, claims, volumes, tokens, receiving: new Map() };
      if (!resources.get(storageClasses, undefined, DEFAULT_CLASS)) resources.create(storageClasses, defaultStorageClass());
      makeConfig(context);
      context.followReach((reach) => {
        // It may be told after the end.
        if (!stopped) tellConfig(context, reach);
      });
      const paths = resources.list(storageClasses).flatMap(({ parameters }) => parameters?.['path'] ?? []);
      const unfinished = resources.list(claims).filter((claim) => claim.metadata.deletionTimestamp === undefined && files.find(claim) === undefined);
      const removed = files.sweep(paths, new Set(unfinished.map(({ metadata }) => metadata.uid ?? '')));
      if (removed > 0) log.info('Removed files that an earlier run left half made', { removed });
      controllers = [controlClaims(parts, claims), controlVolumes(parts)];
      classes = controlClasses(parts);
      return Promise.resolve();
    },
    stop: async () => {
      stopped = true;
      await classes?.stop();
      await Promise.all(controllers.map((controller) => controller.stop()));
      controllers = [];
      await jobs.cancelAll();
    },
  };
}

function makeConfig({ resources, endpoint, caCertificate }: EngineContext): void {
  const config: CdiConfig = { apiVersion: 'cdi.kubevirt.io/v1beta1', kind: 'CDIConfig', metadata: { name: CONFIG_NAME }, spec: {} };
  if (resources.get(cdiConfigs, undefined, CONFIG_NAME)) return;
  resources.create(cdiConfigs, config);
  tellConfig({ resources }, { url: endpoint, ca: caCertificate });
}

/** Tells clients where uploads go and whom to trust there: this engine. */
function tellConfig({ resources }: Pick<EngineContext, 'resources'>, { url, ca }: { url: string; ca: string }): void {
  resources.changeStatus(cdiConfigs, undefined, CONFIG_NAME, (draft) => {
    draft.status = { ...draft.status, uploadProxyURL: url, uploadProxyCA: ca };
  });
}

import type { CdiConfig } from '#shared/kube/cdi.ts';
import type { ResourceDefinition } from '../../api/definition.ts';
import { map, object, string, unsupported } from '../../api/schema.ts';

/** Name of the one CDIConfig. */
export const CONFIG_NAME = 'config';
const fixed = 'the engine’s own address is where uploads go';

/** Tells clients where uploads go. */
export const cdiConfigs: ResourceDefinition<CdiConfig> = {
  group: 'cdi.kubevirt.io',
  version: 'v1beta1',
  kind: 'CDIConfig',
  plural: 'cdiconfigs',
  singular: 'cdiconfig',
  namespaced: false,
  statusSubresource: true,
  schema: object({
    spec: object({ uploadProxyURLOverride: unsupported(fixed), featureGates: unsupported('there are none here') }),
    status: object({
      uploadProxyURL: string(),
      uploadProxyCA: string(),
      scratchSpaceStorageClass: string(),
      filesystemOverhead: object({ global: string(), storageClass: map(string()) }),
    }),
  }),
};

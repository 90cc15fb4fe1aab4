/** Where a machine's discs with settings take what they hold: its namespace's Secrets and ConfigMaps. */
import type { VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { configMaps } from '../../core/config-map.ts';
import { secrets } from '../../core/secret.ts';
import type { Resources } from '../../store/resources.ts';
import { makeSeeds, type Seeds, type SeedSources } from './seeds.ts';

export const seedSourcesOf = (resources: Resources, namespace: string | undefined): SeedSources => ({
  secret: (name) => resources.get(secrets, namespace, name),
  configMap: (name) => resources.get(configMaps, namespace, name),
});

/** The discs of an instance that starts now. */
export const seedsFor = (resources: Resources, vmi: VirtualMachineInstance): Seeds =>
  makeSeeds(vmi, seedSourcesOf(resources, vmi.metadata.namespace), new Date());

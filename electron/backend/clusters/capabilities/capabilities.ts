/** What can be done on one cluster at all: asked once when a connection begins, in the background. */
import type { Cluster } from '#shared/contract/clusters.ts';
import type { KubeList, KubeObject } from '#shared/kube/object.ts';
import type { ApiClient } from '../api-client.ts';
import { pathOf } from '../kinds.ts';
import { featuresOf } from './features.ts';
import { gatesOf, kubeVirts, type KubeVirt } from './gates.ts';
import type { ServedGroups } from './versions.ts';

interface Cdi extends KubeObject {
  status?: { observedVersion?: string };
}

interface HarvesterSetting {
  value?: string;
}

export type CapabilitiesView = NonNullable<Cluster['capabilities']>;

/** What cannot be read is left out, and not held against the cluster. */
export async function askCapabilities(client: ApiClient, flavour: Cluster['flavour'], groups: ServedGroups): Promise<CapabilitiesView> {
  const ask = <T>(wanted: boolean, path: string): Promise<T | undefined> =>
    wanted ? client.call<T>('GET', path).catch(() => undefined) : Promise.resolve(undefined);
  const [kubevirts, cdis, setting] = await Promise.all([
    ask<KubeList<KubeVirt>>(groups.has('kubevirt.io') && flavour !== 'engine', pathOf(kubeVirts, undefined)),
    ask<KubeList<Cdi>>(groups.has('cdi.kubevirt.io') && flavour !== 'engine', '/apis/cdi.kubevirt.io/v1beta1/cdis'),
    ask<HarvesterSetting>(flavour === 'harvester', '/apis/harvesterhci.io/v1beta1/settings/server-version'),
  ]);
  const kubeVirt = kubevirts?.items[0];
  const kubevirt = kubeVirt?.status?.observedKubeVirtVersion;
  const cdi = cdis?.items[0]?.status?.observedVersion;
  return {
    ...(kubevirt ? { kubevirt } : {}),
    ...(cdi ? { cdi } : {}),
    ...(setting?.value ? { harvester: setting.value } : {}),
    features: featuresOf({ flavour, groups, isOn: gatesOf(kubeVirt) }),
  };
}

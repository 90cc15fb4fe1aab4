/** What a cluster's room is worked out from: many do not have it, or do not let everybody read it, and it changes slowly. */
import type { CsiStorageCapacity, Pod, ResourceQuota } from '#shared/kube/capacity.ts';
import type { StorageClass } from '#shared/kube/core.ts';
import type { LonghornNode, LonghornSetting } from '#shared/kube/longhorn.ts';
import type { NodeMetrics } from '#shared/kube/metrics.ts';
import { parseQuantity } from '#shared/kube/quantities.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import { AnswerError } from '../clusters/api-errors.ts';
import { kubeVirts, type KubeVirt } from '../clusters/capabilities/gates.ts';
import { pathOf } from '../clusters/kinds.ts';
import { metricsBase } from '../metrics/current-source.ts';
import { Asked, leavingOut, type Lister } from '../topics/asked.ts';
import { harvesterOvercommit, kubeVirtRatios, type AskedRoom, type LonghornRoom, type Ratios } from './room.ts';

const longhornDefaults = { overProvisioning: 100, minimalAvailable: 25 };

export class RoomSources extends Asked<AskedRoom> {
  constructor() {
    super('cluster’s room', (client, cluster, namespace, signal) => askRoom(client, cluster.view.flavour, namespace, signal));
  }
}

/** What is not there, or not to be read, is left out. @throws HayloftError where the cluster does not answer */
export async function askRoom(client: ApiClient, flavour: string, namespace: string, signal: AbortSignal): Promise<AskedRoom> {
  const { get, list } = leavingOut(client, signal);
  const has = (group: string): boolean => client.served?.has(group) ?? false;
  const cluster = flavour !== 'engine';
  const [quotas, otherPods, classes, capacities, metrics, kubevirts, overcommit, longhorn] = await Promise.all([
    list<ResourceQuota>(cluster, `/api/v1/namespaces/${encodeURIComponent(namespace)}/resourcequotas`),
    list<Pod>(cluster, `/api/v1/pods?labelSelector=${encodeURIComponent('kubevirt.io!=virt-launcher')}`),
    list<StorageClass>(true, '/apis/storage.k8s.io/v1/storageclasses'),
    list<CsiStorageCapacity>(cluster, '/apis/storage.k8s.io/v1/csistoragecapacities'),
    // It is another server behind the cluster's, which is often away while all else is well.
    list<NodeMetrics>(has('metrics.k8s.io'), `${metricsBase}/nodes`).catch((error: unknown) => {
      if (error instanceof AnswerError) return undefined;
      throw error;
    }),
    list<KubeVirt>(cluster, pathOf(kubeVirts, undefined)),
    get<{ value?: string; default?: string }>(flavour === 'harvester', '/apis/harvesterhci.io/v1beta1/settings/overcommit-config'),
    has('longhorn.io') ? longhornRoom(list) : undefined,
  ]);
  return {
    ratios: ratiosOf(kubevirts?.[0], flavour === 'harvester' ? overcommitOf(overcommit) : undefined),
    ...(quotas ? { quotas } : {}),
    ...(otherPods ? { otherPods } : {}),
    ...(classes ? { classes } : {}),
    ...(capacities ? { capacities } : {}),
    ...(metrics ? { memoryUsed: new Map(metrics.map(({ metadata, usage }) => [metadata.name ?? '', parseQuantity(usage.memory) ?? 0])) } : {}),
    ...(longhorn ? { longhorn } : {}),
  };
}

/** What Longhorn's disks have, and its rules for them. */
export async function longhornRoom(list: Lister): Promise<LonghornRoom | undefined> {
  const [nodes, settings] = await Promise.all([
    list<LonghornNode>(true, '/apis/longhorn.io/v1beta2/nodes'),
    list<LonghornSetting>(true, '/apis/longhorn.io/v1beta2/settings'),
  ]);
  const setting = (name: string, usual: number): number => Number(settings?.find(({ metadata }) => metadata.name === name)?.value || usual);
  return nodes && {
    nodes,
    overProvisioning: setting('storage-over-provisioning-percentage', longhornDefaults.overProvisioning),
    minimalAvailable: setting('storage-minimal-available-percentage', longhornDefaults.minimalAvailable),
  };
}

export function ratiosOf(kubeVirt: KubeVirt | undefined, harvester: Ratios['harvester']): Ratios {
  const { developerConfiguration: developer = {}, additionalGuestMemoryOverheadRatio: overhead } = kubeVirt?.spec?.configuration ?? {};
  return {
    cpuAllocation: developer.cpuAllocationRatio ?? kubeVirtRatios.cpuAllocation,
    memoryOvercommit: developer.memoryOvercommit ?? kubeVirtRatios.memoryOvercommit,
    overhead: Number(overhead ?? kubeVirtRatios.overhead) || kubeVirtRatios.overhead,
    ...(harvester ? { harvester } : {}),
  };
}

/** The setting is JSON in a text; what stands in it wins over its default. */
function overcommitOf(setting: { value?: string; default?: string } | undefined): NonNullable<Ratios['harvester']> {
  try {
    const said = JSON.parse(setting?.value || setting?.default || '{}') as Partial<NonNullable<Ratios['harvester']>>;
    return { cpu: said.cpu || harvesterOvercommit.cpu, memory: said.memory || harvesterOvercommit.memory };
  } catch {
    return harvesterOvercommit;
  }
}

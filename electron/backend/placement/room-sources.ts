/**
 * What is asked of a cluster beside what is watched: many clusters do not have it, or do not let everybody read it, and it
 * changes slowly. Asked while somebody looks, once for all who do.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { asHayloftError } from '#shared/contract/errors.ts';
import type { CsiStorageCapacity, Pod, ResourceQuota } from '#shared/kube/capacity.ts';
import type { StorageClass } from '#shared/kube/core.ts';
import type { LonghornNode, LonghornSetting } from '#shared/kube/longhorn.ts';
import type { NodeMetrics } from '#shared/kube/metrics.ts';
import type { KubeList, KubeObject } from '#shared/kube/object.ts';
import { parseQuantity } from '#shared/kube/quantities.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import { AnswerError } from '../clusters/api-errors.ts';
import { kubeVirts, type KubeVirt } from '../clusters/capabilities/gates.ts';
import type { ClusterConnection } from '../clusters/connection.ts';
import { pathOf } from '../clusters/kinds.ts';
import { metricsBase } from '../metrics/current-source.ts';
import { harvesterOvercommit, kubeVirtRatios, type AskedRoom, type LonghornRoom, type Ratios } from './room.ts';

const everyMs = 15_000;
const afterFailureMs = 3000;
const longhornDefaults = { overProvisioning: 100, minimalAvailable: 25 };

interface Following {
  room: AskedRoom | undefined;
  listeners: Set<() => void>;
  stop: AbortController;
}

export class RoomSources {
  readonly #following = new Map<string, Following>();

  /** What was answered last; undefined until something was. */
  room(cluster: ClusterConnection, namespace: string): AskedRoom | undefined {
    return this.#following.get(`${cluster.id}/${namespace}`)?.room;
  }

  /** Calls back after each answer, until the returned function is called. */
  follow(cluster: ClusterConnection, namespace: string, changed: () => void): () => void {
    const key = `${cluster.id}/${namespace}`;
    const following = this.#following.get(key) ?? this.#begin(key, cluster, namespace);
    following.listeners.add(changed);
    return () => {
      following.listeners.delete(changed);
      // Answers that change make one question after the other: the next one is there already.
      if (following.listeners.size > 0) return;
      following.stop.abort();
      this.#following.delete(key);
    };
  }

  #begin(key: string, cluster: ClusterConnection, namespace: string): Following {
    const following: Following = { room: undefined, listeners: new Set(), stop: new AbortController() };
    this.#following.set(key, following);
    void this.#run(following, cluster, namespace);
    return following;
  }

  async #run(following: Following, cluster: ClusterConnection, namespace: string): Promise<void> {
    const { signal } = following.stop;
    const over = (): boolean => signal.aborted;
    while (!over()) {
      let pauseMs = everyMs;
      try {
        const client = await cluster.client(signal);
        following.room = await askRoom(client, cluster.view.flavour, namespace, signal);
      } catch (error) {
        if (over()) return;
        // The page tells by itself that a cluster cannot be reached; what was known stays.
        cluster.warn('The cluster’s room could not be asked for', { error: asHayloftError(error).message });
        pauseMs = afterFailureMs;
      }
      for (const listener of [...following.listeners]) listener();
      await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }
}

/** What is not there, or not to be read, is left out. @throws HayloftError where the cluster does not answer */
export async function askRoom(client: ApiClient, flavour: string, namespace: string, signal: AbortSignal): Promise<AskedRoom> {
  const get = async <T>(wanted: boolean, path: string): Promise<T | undefined> => {
    if (!wanted) return undefined;
    try {
      return await client.call<T>('GET', path, { signal, packed: true });
    } catch (error) {
      const { code } = asHayloftError(error);
      if (code === 'not-found' || code === 'forbidden' || code === 'unsupported') return undefined;
      throw error;
    }
  };
  const list = async <T extends KubeObject>(wanted: boolean, path: string): Promise<T[] | undefined> => (await get<KubeList<T>>(wanted, path))?.items;
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

async function longhornRoom(list: <T extends KubeObject>(wanted: boolean, path: string) => Promise<T[] | undefined>): Promise<LonghornRoom | undefined> {
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

/** What a cluster's storage is told from, beside what is watched. Parts that are absent are not there, or not to be read. */
import type { CsiStorageCapacity } from '#shared/kube/capacity.ts';
import type { PersistentVolume, StorageClass } from '#shared/kube/core.ts';
import type { LonghornEngine, LonghornReplica, LonghornVolume } from '#shared/kube/longhorn.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import type { LonghornRoom } from '../placement/room.ts';
import { longhornRoom } from '../placement/room-sources.ts';
import { Asked, leavingOut } from '../topics/asked.ts';

export interface AskedLonghorn {
  room?: LonghornRoom;
  volumes?: readonly LonghornVolume[];
  replicas?: readonly LonghornReplica[];
  engines?: readonly LonghornEngine[];
}

export interface AskedStorage {
  classes?: readonly StorageClass[];
  capacities?: readonly CsiStorageCapacity[];
  persistentVolumes?: readonly PersistentVolume[];
  /** Absent where the cluster has no Longhorn. */
  longhorn?: AskedLonghorn;
}

export class StorageSources extends Asked<AskedStorage> {
  constructor() {
    super('cluster’s storage', (client, cluster, _namespace, signal) => askStorage(client, cluster.view.flavour, signal));
  }
}

/** @throws HayloftError where the cluster does not answer */
export async function askStorage(client: ApiClient, flavour: string, signal: AbortSignal): Promise<AskedStorage> {
  const { list } = leavingOut(client, signal);
  const cluster = flavour !== 'engine';
  const longhorn = client.served?.has('longhorn.io') ?? false;
  const base = '/apis/longhorn.io/v1beta2';
  const [classes, capacities, persistentVolumes, room, volumes, replicas, engines] = await Promise.all([
    list<StorageClass>(true, '/apis/storage.k8s.io/v1/storageclasses'),
    list<CsiStorageCapacity>(cluster, '/apis/storage.k8s.io/v1/csistoragecapacities'),
    list<PersistentVolume>(cluster, '/api/v1/persistentvolumes'),
    longhorn ? longhornRoom(list) : undefined,
    list<LonghornVolume>(longhorn, `${base}/volumes`),
    list<LonghornReplica>(longhorn, `${base}/replicas`),
    list<LonghornEngine>(longhorn, `${base}/engines`),
  ]);
  return {
    ...(classes ? { classes } : {}),
    ...(capacities ? { capacities } : {}),
    ...(persistentVolumes ? { persistentVolumes } : {}),
    ...(longhorn ? { longhorn: { ...(room ? { room } : {}), ...(volumes ? { volumes } : {}), ...(replicas ? { replicas } : {}), ...(engines ? { engines } : {}) } } : {}),
  };
}

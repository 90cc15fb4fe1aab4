/** How a cluster takes a file: as what it is, and as a person chose. */
import type { KubeObject } from '#shared/kube/object.ts';
import type { ClusterConnection } from '../../clusters/connection.ts';
import { dataVolumes, type Kind } from '../../clusters/kinds.ts';
import { machineImages } from '../../harvester/harvester-facts.ts';
import { imageWay } from '../harvester/image-way.ts';
import { servedWay, type ServedOptions } from '../served/served-way.ts';
import { volumeWay } from './volume-way.ts';
import type { UploadWay } from './way.ts';

/** `volume`: bytes into a DataVolume; `image`: into one of Harvester's images; `served`: the cluster fetches them. */
export type WayName = 'volume' | 'image' | 'served';

/** Of what each of them makes in the cluster. */
export const madeKinds: Record<WayName, Kind<KubeObject>> = { volume: dataVolumes, image: machineImages, served: dataVolumes };

/** @param asked what an earlier run of the app began with, or a person chose */
export async function chooseWay(cluster: ClusterConnection, namespace: string, asked: WayName | undefined, options: ServedOptions, signal: AbortSignal): Promise<{ name: WayName; way: UploadWay }> {
  const name = asked ?? ((await cluster.client(signal)).served?.has('harvesterhci.io') === true ? 'image' : 'volume');
  switch (name) {
    case 'image':
      return { name, way: imageWay(cluster, namespace, options.tell) };
    case 'served':
      return { name, way: servedWay(cluster, namespace, options) };
    case 'volume':
      return { name, way: volumeWay(cluster, namespace, options.tell) };
  }
}

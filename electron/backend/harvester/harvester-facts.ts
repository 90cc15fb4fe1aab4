/** What Harvester has of the things that a new machine names. */
import { HayloftError } from '#shared/contract/errors.ts';
import type { StorageClass } from '#shared/kube/core.ts';
import type { VirtualMachineImage } from '#shared/kube/harvester.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import { claims, pathOf, type Kind } from '../clusters/kinds.ts';
import { listAll, orUndefined } from '../machine-actions/parts.ts';
import { harvesterObjects } from './machine-shape.ts';

export const machineImages: Kind<VirtualMachineImage> = { base: '/apis/harvesterhci.io/v1beta1', plural: 'virtualmachineimages', optional: true };
const classes: Kind<StorageClass> = { base: '/apis/storage.k8s.io/v1', plural: 'storageclasses', clusterWide: true };

/** The image of this name, where the cluster is a Harvester and has it. */
export function readImage(client: ApiClient, namespace: string, name: string): Promise<VirtualMachineImage | undefined> {
  if (client.served?.has('harvesterhci.io') !== true) return Promise.resolve(undefined);
  return orUndefined(client.call<VirtualMachineImage>('GET', pathOf(machineImages, namespace, name)));
}

/** How large a disk has to be that begins as a copy of it, in bytes. @throws HayloftError while there is nothing to copy yet */
export function imageBytes({ spec, status }: VirtualMachineImage): number {
  if (status?.storageClassName === undefined) {
    throw new HayloftError('conflict', `The image “${spec.displayName}” is not ready yet.`, { hint: 'Wait until Harvester has it, or choose another one.', field: 'source' });
  }
  return Math.max(status.virtualSize ?? 0, status.size ?? 0);
}

/** The objects of a new machine as this cluster wants them: Harvester's way on Harvester, as they are elsewhere. */
export async function asClusterWants(client: ApiClient, flavour: string, namespace: string, objects: readonly KubeObject[]): Promise<KubeObject[]> {
  if (flavour !== 'harvester') return [...objects];
  const [images, own, allClasses] = await Promise.all([listAll(client, machineImages, namespace), listAll(client, claims, namespace), listAll(client, classes, undefined)]);
  return harvesterObjects(objects, { images, claims: own, classes: allClasses });
}

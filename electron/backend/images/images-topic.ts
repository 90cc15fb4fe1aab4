/** Images: DataVolumes that are marked as such, and Harvester's own. */
import type { TopicSource } from '#shared/channel/types.ts';
import type { Image } from '#shared/contract/images.ts';
import { refKey } from '#shared/contract/machines.ts';
import type { DataVolume } from '#shared/kube/cdi.ts';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import { DISPLAY_NAME_ANNOTATION, FILE_NAME_ANNOTATION, FILE_SIZE_ANNOTATION, IMAGE_LABEL } from '#shared/kube/labels.ts';
import { parseQuantity } from '#shared/kube/quantities.ts';
import type { Clusters } from '../clusters/clusters.ts';
import { dataVolumes, virtualMachines } from '../clusters/kinds.ts';
import { machineImages } from '../harvester/harvester-facts.ts';
import { aboutOf, originOf } from './about/image-about.ts';
import { harvesterImageRow, imageIdsOf } from '../harvester/image-row.ts';
import { progressOf } from '../machines/machine-disks.ts';
import { timeOf } from '../machines/machine-row.ts';
import { derivedTopic, ingredient } from '../topics/derived.ts';

export function imagesTopic(clusters: Clusters, clusterId: string | undefined): TopicSource<Image> {
  return derivedTopic(clusters.select(clusterId), {
    ingredients: [ingredient(dataVolumes), ingredient(machineImages), ingredient(virtualMachines, imagesOf)],
    itemKey: (cluster, key) => `${cluster.id}/${key}`,
    row: (cluster, key) => {
      const machines = cluster.cache(virtualMachines).objects;
      const image = cluster.cache(machineImages).objects.get(key);
      if (image) return harvesterImageRow(cluster.id, image, machines.values());
      const volume = cluster.cache(dataVolumes).objects.get(key);
      if (volume?.metadata.labels?.[IMAGE_LABEL] === undefined) return undefined;
      return imageRow(cluster.id, volume, machines.values());
    },
  });
}

/** Keys of the volumes that a machine has in its drives. */
function volumesOf(vm: VirtualMachine): string[] {
  return (vm.spec.template.spec.volumes ?? [])
    .map((volume) => volume.persistentVolumeClaim?.claimName ?? volume.dataVolume?.name)
    .filter((name) => name !== undefined)
    .map((name) => `${vm.metadata.namespace ?? ''}/${name}`);
}

const imagesOf = (vm: VirtualMachine): string[] => [...volumesOf(vm), ...imageIdsOf(vm)];

/** Names of the machines that have this volume in a drive. */
export function usersOf(machines: Iterable<VirtualMachine>, namespace: string, name: string): string[] {
  const key = `${namespace}/${name}`;
  return [...machines].filter((vm) => volumesOf(vm).includes(key)).map((vm) => vm.metadata.name ?? '');
}

function imageRow(clusterId: string, volume: DataVolume, machines: Iterable<VirtualMachine>): Image {
  const { metadata, spec, status } = volume;
  const ref = { clusterId, namespace: metadata.namespace ?? '', name: metadata.name ?? '' };
  const notes = metadata.annotations ?? {};
  const failure = status?.conditions?.find((condition) => condition.status === 'False' && condition.message);
  const size = parseQuantity(notes[FILE_SIZE_ANNOTATION]) ?? parseQuantity((spec.storage ?? spec.pvc)?.resources?.requests?.storage);
  const progress = progressOf(volume);
  const about = aboutOf(notes);
  const fileName = notes[FILE_NAME_ANNOTATION];
  return {
    ...ref,
    key: refKey(ref),
    displayName: notes[DISPLAY_NAME_ANNOTATION] ?? fileName ?? ref.name,
    kind: metadata.labels?.[IMAGE_LABEL] === 'iso' ? 'iso' : 'disk',
    ...(fileName === undefined ? {} : { fileName }),
    ...(size === undefined ? {} : { sizeBytes: size }),
    state: stateOf(volume),
    ...(progress === undefined ? {} : { progress }),
    ...(status?.phase === 'Failed' && failure?.message ? { reason: failure.message } : {}),
    ...(about ? { about } : {}),
    ...originOf(notes),
    created: timeOf(metadata.creationTimestamp) ?? 0,
    usedBy: usersOf(machines, ref.namespace, ref.name),
  };
}

function stateOf(volume: DataVolume): Image['state'] {
  switch (volume.status?.phase) {
    case 'Succeeded':
      return 'ready';
    case 'Failed':
      return 'failed';
    default:
      return volume.spec.source?.upload ? 'uploading' : 'importing';
  }
}
